"""What ``macbert demo`` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from corpus.errors import Problem, UserError


@dataclass(kw_only=True)
class DemoConfig:
    """Settings of the demonstration."""

    output: str = "demo"
    """Folder for everything that is made: raw text, corpus, tokens, encoder, fine-tuned models, report.html."""

    budget: Literal["short", "long"] = "short"
    """How long to train: "short" fits 10 minutes on 2 CPU cores, "long" an hour a seed at most."""

    seed: int = 0
    """First seed; it decides the initial weights, the order, the masks and the fine-tuning examples."""

    seeds: int = 1
    """How many seeds to run, one after the other; the data stages are done once."""

    text: list[str] = field(default_factory=list)
    """Sentences of your own to extract names from and to classify at the end."""

    workers: int = 2
    """Processes for the corpus and token stages; any number gives the same files."""

    def __post_init__(self) -> None:
        problems = [
            Problem(f"--{name}", f"a number >= {least}", str(value), "give a larger one")
            for name, value, least in (
                ("seed", self.seed, 0),
                ("seeds", self.seeds, 1),
                ("workers", self.workers, 1),
            )
            if value < least
        ]
        if problems:
            raise UserError(*problems)
