"""``macbert scaling plan``: which size and how many tokens for so many hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from macbert.scaling.config import PlanConfig
from macbert.scaling.fitting import read_fit
from macbert.scaling.points import read_size

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Choice:
    """One size, trained for all of the hours."""

    size: str
    weights: int
    tokens: int
    loss: float
    low: float
    high: float
    passes: float | None
    """Over the corpus, if its tokens are known."""


@dataclass(frozen=True)
class PlanResult:
    """Sizes by the loss that the law expects of them."""

    flops: float
    largest_fitted: float
    choices: list[Choice]
    """The best first."""

    @property
    def best(self) -> Choice:
        """What to train."""
        return self.choices[0]

    def tables(self) -> list[tuple[str, list[str], list[tuple[str, ...]]]]:
        """Return every size."""
        rows: list[tuple[str, ...]] = [
            (
                c.size,
                f"{c.weights:,}",
                f"{c.tokens:,}",
                f"{c.loss:.4f}",
                f"{c.low:.4f} to {c.high:.4f}",
                "" if c.passes is None else f"{c.passes:.1f}",
            )
            for c in self.choices
        ]
        return [("plans, the best first", ["size", "N", "tokens", "loss", "90 %", "passes"], rows)]

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        best = self.best
        lines = [
            ("train", f"{best.size} on {best.tokens:,} tokens: loss {best.loss:.4f}"),
            (
                "compute",
                f"{self.flops:.3g} operations, {self.flops / self.largest_fitted:,.1f} x the largest run fitted",
            ),
        ]
        if self.flops > 100 * self.largest_fitted:
            lines.append(("beware", "more than 100 x the compute of the runs: fit larger ones first"))
        if best.passes is not None and best.passes > 4:
            # Muennighoff et al. 2023 (arXiv 2305.16264): up to about four passes repeated text is as good as new.
            lines.append(("beware", f"{best.passes:.0f} passes over the corpus: the law knows new text only"))
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return asdict(self)


def plan(config: PlanConfig, *, progress: Progress | None = None) -> PlanResult:
    """Spend all operations on each size in turn and return them by their expected loss.

    Raises:
        UserError: no fit, or a size that is none.
    """
    fit = read_fit(config.fit)
    flops = config.hours * 3600 * config.flops_per_second
    choices = []
    for name in config.sizes:
        size = read_size(name)
        # Rows and vocabulary as in the runs fitted.
        tokens = max(1, int(flops / fit.points[0].flops_of(size, 1)))
        loss, low, high = fit.predict(size.weights, tokens)
        passes = None if config.corpus_tokens is None else tokens / config.corpus_tokens
        choices.append(Choice(str(size), size.weights, tokens, loss, low, high, passes))
    return PlanResult(flops, fit.largest, sorted(choices, key=lambda choice: choice.loss))
