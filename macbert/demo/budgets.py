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

    examples: Sizes
    """Labelled examples of each task."""

    finetune_epochs: dict[str, float]
    """Passes over the labelled examples, by task."""

    finetune_learning_rate: float
    """Highest rate while fine-tuning; the same for both initialisations."""

    finetune_batch_size: int
    """Examples in a step of fine-tuning."""


BUDGETS = {
    "short": Budget(
        model="tiny",
        vocab_size=8000,
        pretrain_epochs=2,
        pretrain_learning_rate=2e-3,
        pretrain_batch_size=32,
        pretrain_eval_steps=200,
        examples=Sizes(train=2000, dev=300, test=1000),
        finetune_epochs={"ner": 4, "classify": 4},
        finetune_learning_rate=5e-4,
        finetune_batch_size=16,
    ),
    "long": Budget(
        model="tiny",
        vocab_size=8000,
        pretrain_epochs=12,
        pretrain_learning_rate=2e-3,
        pretrain_batch_size=32,
        pretrain_eval_steps=1000,
        examples=Sizes(train=4000, dev=500, test=1500),
        finetune_epochs={"ner": 5, "classify": 5},
        finetune_learning_rate=5e-4,
        finetune_batch_size=16,
    ),
}
