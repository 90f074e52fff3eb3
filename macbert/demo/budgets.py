"""How much of everything each ``--budget`` spends."""

from __future__ import annotations

from dataclasses import dataclass

from macbert.demo.labelled import Sizes


@dataclass(frozen=True)
class Budget:
    """One demonstration's sizes."""

    model: str
    """Preset of the encoder."""

    vocab_size: int
    """Tokens of the trained vocabulary."""

    pretrain_epochs: float
    """Passes over the training documents."""

    pretrain_learning_rate: float
    """Highest rate while pretraining."""

    pretrain_batch_size: int
    """Rows of 128 tokens in a step."""

    pretrain_eval_steps: int
    """Steps between evaluations on held-out documents."""

    examples: dict[str, Sizes]
    """Labelled examples, by task. Of reviews a hundred: with 300 and more, words alone tell a review's side nearly as
    well as a pretrained encoder of this size (docs/log.md)."""

    finetune_epochs: dict[str, float]
    """Passes over the labelled examples, by task. In the long budget enough for both initialisations to stop getting
    better on dev, where the best pass is chosen: neither wins because the other was stopped early (docs/log.md)."""

    finetune_batch_size: int
    """Examples in a step of fine-tuning."""


BUDGETS = {
    "short": Budget(
        model="tiny",
        vocab_size=8000,
        pretrain_epochs=2,
        pretrain_learning_rate=2e-3,
        pretrain_batch_size=16,
        pretrain_eval_steps=700,
        examples={"ner": Sizes(train=1000, dev=300, test=1000), "classify": Sizes(train=100, dev=300, test=1000)},
        finetune_epochs={"ner": 6, "classify": 25},
        finetune_batch_size=16,
    ),
    "long": Budget(
        model="tiny",
        vocab_size=8000,
        pretrain_epochs=6,
        pretrain_learning_rate=2e-3,
        pretrain_batch_size=16,
        pretrain_eval_steps=2100,
        examples={"ner": Sizes(train=1000, dev=400, test=2000), "classify": Sizes(train=100, dev=400, test=2000)},
        finetune_epochs={"ner": 20, "classify": 30},
        finetune_batch_size=16,
    ),
}
