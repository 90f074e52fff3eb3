"""How much of everything each ``--budget`` spends."""

from __future__ import annotations

from dataclasses import dataclass

from macbert.demo.labelled import Sizes


@dataclass(frozen=True)
class Budget:
    """One demonstration's sizes; time is measured on 2 CPU cores without a GPU."""

    model: str
    """Preset of the encoder."""

    vocab_size: int
    """Tokens of the trained vocabulary."""

    pretrain_epochs: float
    """Passes over the training documents."""

    pretrain_learning_rate: float
    """Highest rate while pretraining."""

    examples: Sizes
    """Labelled examples of each task."""

    finetune_epochs: dict[str, float]
    """Passes over the labelled examples, by task."""

    finetune_learning_rate: float
    """Highest rate while fine-tuning; the same for both initialisations."""


BUDGETS = {
    "short": Budget(
        model="tiny",
        vocab_size=8000,
        pretrain_epochs=2,
        pretrain_learning_rate=2e-3,
        examples=Sizes(train=2000, dev=300, test=1000),
        finetune_epochs={"ner": 4, "classify": 4},
        finetune_learning_rate=5e-4,
    ),
    "long": Budget(
        model="tiny",
        vocab_size=8000,
        pretrain_epochs=12,
        pretrain_learning_rate=2e-3,
        examples=Sizes(train=4000, dev=500, test=1500),
        finetune_epochs={"ner": 5, "classify": 5},
        finetune_learning_rate=5e-4,
    ),
}
