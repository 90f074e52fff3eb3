"""Scores that get worse as encoders grow: the inverse scaling that a falling loss hides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.errors import Problem, UserError
from macbert.annotations.reading import json_lines
from macbert.scaling.points import Point

_LOWER_IS_BETTER = ("loss", "perplexity", "error")


@dataclass(frozen=True)
class Trend:
    """How a score goes with size."""

    metric: str
    slope: float
    """Change of the score for ten times the weights, other things (tokens) equal."""
    low: float
    high: float
    """95 % bootstrap interval."""
    higher_is_better: bool
    runs: int

    @property
    def is_inverse(self) -> bool:
        """Whether the whole interval says: worse with size."""
        return self.high < 0 if self.higher_is_better else self.low > 0

    def told(self) -> str:
        """Return one line."""
        interval = f"{self.low:+.4f} to {self.high:+.4f}"
        return f"{self.metric}: {self.slope:+.4f} for ten times the weights ({interval}, {self.runs} runs)"


@dataclass(frozen=True)
class Metric:
    """One score of one run."""

    run: str
    metric: str
    value: float
    higher_is_better: bool


def read_metrics(path: str) -> list[Metric]:
    """Return the scores of a file of ``{"run", "metric", "value", "higher_is_better"}``.

    Raises:
        UserError: no such file, or lines of another form.
    """
    found, problems = [], []
    for value, where, problem in json_lines(path):
        if problem is not None:
            problems.append(problem)
            continue
        try:
            metric = Metric(value["run"], value["metric"], float(value["value"]), bool(value["higher_is_better"]))
            found.append(metric)
        except (KeyError, TypeError, ValueError):
            expected = "run, metric, value and higher_is_better"
            problems.append(Problem(where, expected, "something else", "mend the line"))
    if problems:
        raise UserError(*problems)
    return found


def find_trends(points: Sequence[Point], metrics: Sequence[Metric], *, resamples: int, seed: int) -> list[Trend]:
    """Return the trend of every held-out figure of the runs, and of further scores.

    The slope is of a regression on log10 N and log10 D, so that a larger run of more tokens is not mistaken for a
    better size. Its interval draws runs again.
    """
    scores: dict[tuple[str, bool], list[tuple[Point, float]]] = defaultdict(list)
    by_run = {point.run: point for point in points}
    for point in points:
        for name, value in point.metrics.items():
            scores[name, not name.endswith(_LOWER_IS_BETTER)].append((point, value))
    for item in metrics:
        if item.run in by_run:
            scores[item.metric, item.higher_is_better].append((by_run[item.run], item.value))
    generator = np.random.default_rng(seed)
    trends = []
    for (name, higher), pairs in sorted(scores.items()):
        if len({point.size for point, _ in pairs}) < 2 or len(pairs) < 4:
            continue
        rows = np.array([[np.log10(p.size.weights), np.log10(p.tokens), value] for p, value in pairs])
        slopes = []
        for _ in range(resamples):
            drawn = rows[generator.integers(len(rows), size=len(rows))]
            if len(np.unique(drawn[:, 0])) > 1:
                slopes.append(_slope(drawn))
        low, high = np.quantile(slopes, [0.025, 0.975])
        trends.append(Trend(name, _slope(rows), float(low), float(high), higher, len(rows)))
    return trends


def _slope(rows: np.ndarray) -> float:
    centred = rows - rows.mean(0)
    return float(np.linalg.lstsq(centred[:, :2], centred[:, 2], rcond=None)[0][0])
