"""What fine-tuning and evaluation come to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import Any

from macbert.metrics.counts import Counts, Scores


@dataclass(frozen=True)
class SeedResult:
    """The best model of one seed."""

    seed: int
    """What decided head, order and dropout."""

    folder: str
    """Where it is."""

    value: float
    """The metric by which it was chosen, on dev."""

    metrics: Mapping[str, float]
    """All metrics of the chosen model on dev."""

    step: int
    """Step at which it was best."""

    steps: int
    """Steps trained."""

    train_loss: float | None
    """Mean training loss of the run."""

    seconds: float
    """Wall time, scoring on dev included."""


@dataclass(frozen=True)
class FinetuneResult:
    """A fine-tuned model in its folder."""

    output: str
    """The best seed's model; plain transformers loads it where its task is one of theirs."""

    task: str
    """What was learnt."""

    metric: str
    """The metric by which models were chosen."""

    seeds: list[SeedResult]
    """In the order trained."""

    labels: list[str]
    """What can be predicted."""

    train_examples: int
    """Labelled texts learnt from."""

    dev_examples: int
    """Labelled texts scored."""

    init: str
    """"pretrained" or "random"."""

    notes: dict[str, int] = field(default_factory=dict)
    """What of the training labels could not be learnt, counted (scores are always against all of the gold)."""

    @property
    def best(self) -> SeedResult:
        """The seed whose model is the result; of equal ones the first."""
        return max(self.seeds, key=lambda seed: (seed.value, -seed.seed))

    @property
    def value(self) -> float:
        """The best seed's metric on dev."""
        return self.best.value

    @property
    def mean(self) -> float:
        """Mean of the metric over seeds."""
        return mean(seed.value for seed in self.seeds)

    @property
    def spread(self) -> float:
        """Sample standard deviation of the metric over seeds; 0 with one."""
        return stdev(seed.value for seed in self.seeds) if len(self.seeds) > 1 else 0.0

    @property
    def best_at_the_end(self) -> bool:
        """Whether the best model is that of the last step, so that longer training may give a better one."""
        return self.best.step == self.best.steps

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        lines = [
            ("model", self.output),
            ("task", f"{self.task}, {len(self.labels)} labels, from {self.init} weights"),
            ("examples", f"{self.train_examples:,} train, {self.dev_examples:,} dev"),
            (f"dev {self.metric}", f"{self.value:.4f} (seed {self.best.seed}, step {self.best.step})"),
        ]
        if len(self.seeds) > 1:
            each = ", ".join(f"{seed.value:.4f}" for seed in self.seeds)
            lines.append((f"over {len(self.seeds)} seeds", f"mean {self.mean:.4f}, spread {self.spread:.4f} ({each})"))
        lines += [(f"dev {name}", f"{value:.4f}") for name, value in self.best.metrics.items() if name != self.metric]
        lines += [(name.replace("_", " "), f"{count:,}") for name, count in self.notes.items() if count]
        lines.append(("seconds", f"{sum(seed.seconds for seed in self.seeds):.1f}"))
        if self.best_at_the_end:
            lines.append(("advice", "best at the last step: try more --num-train-epochs or a higher --learning-rate"))
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        more = {"best_seed": self.best.seed, "value": self.value, "mean": self.mean, "spread": self.spread}
        return {**dataclasses.asdict(self), **more, "best_at_the_end": self.best_at_the_end}


@dataclass(frozen=True)
class EvaluateResult:
    """The figures of a model on labelled texts."""

    task: str
    """What was asked."""

    model: str
    """The folder scored."""

    data: str
    """The file scored on."""

    scores: Scores
    """All metrics; the first is ``scores.primary``."""

    characters: int
    """Characters read."""

    seconds: float
    """Wall time of the predictions."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """All metrics by name."""
        return self.scores.metrics

    @property
    def value(self) -> float:
        """The primary metric."""
        return self.scores.value

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        speed = self.characters / self.seconds if self.seconds else 0.0
        lines = [("task", self.task), ("model", self.model), ("data", f"{self.data} ({self.scores.examples:,} texts)")]
        lines += [(name, f"{value:.4f}") for name, value in self.metrics.items()]
        if len(self.scores.per_type) > 1:
            lines += [(f"  {label}", _line(counts)) for label, counts in self.scores.per_type.items()]
        return [*lines, ("speed", f"{speed:,.0f} characters/s")]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        per_type = {
            label: {**counts.as_metrics("x"), "right": counts.right, "predicted": counts.predicted, "gold": counts.gold}
            for label, counts in self.scores.per_type.items()
        }
        return {
            "task": self.task,
            "model": self.model,
            "data": self.data,
            "examples": self.scores.examples,
            "primary": self.scores.primary,
            "value": self.value,
            "metrics": dict(self.metrics),
            "per_type": {k: {n.removeprefix("x_"): v for n, v in d.items()} for k, d in per_type.items()},
            "characters": self.characters,
            "seconds": self.seconds,
        }


def _line(counts: Counts) -> str:
    figures = f"P {counts.precision:.4f}  R {counts.recall:.4f}  F1 {counts.f1:.4f}"
    return f"{figures}  ({counts.right:g} right, {counts.predicted:g} predicted, {counts.gold:g} gold)"
