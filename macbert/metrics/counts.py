"""Precision, recall and F1 from counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """What was found, what is there, and what of it agrees.

    >>> Counts(right=1, predicted=2, gold=4).f1
    0.3333333333333333
    """

    right: float = 0
    """Predictions that are right."""

    predicted: float = 0
    """Predictions."""

    gold: float = 0
    """Gold answers."""

    right_gold: float | None = None
    """Gold answers that were found, where a rule counts them otherwise than ``right``."""

    def __add__(self, other: Counts) -> Counts:
        found = None
        if self.right_gold is not None or other.right_gold is not None:
            found = self.found + other.found
        return Counts(self.right + other.right, self.predicted + other.predicted, self.gold + other.gold, found)

    @property
    def found(self) -> float:
        """Gold answers that were found."""
        return self.right if self.right_gold is None else self.right_gold

    @property
    def precision(self) -> float:
        """Right of predicted; 0 without predictions, as seqeval and scikit-learn have it."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Found of gold; 0 without gold."""
        return self.found / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def as_metrics(self, name: str) -> dict[str, float]:
        """Return ``{name}_precision``, ``{name}_recall`` and ``{name}_f1``."""
        return {f"{name}_precision": self.precision, f"{name}_recall": self.recall, f"{name}_f1": self.f1}


@dataclass(frozen=True)
class Scores:
    """Every figure of an evaluation, by a name that says its rule."""

    primary: str
    """The metric by which models are chosen."""

    metrics: Mapping[str, float]
    """All metrics by name."""

    per_type: Mapping[str, Counts]
    """Counts under the primary rule, by label."""

    examples: int
    """Texts scored."""

    @property
    def value(self) -> float:
        """The primary metric."""
        return self.metrics[self.primary]
