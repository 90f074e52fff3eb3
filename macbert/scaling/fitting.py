"""``macbert scaling fit``: runs to laws with intervals, plots, and scores that get worse with size."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.dry_run import About, Plan, clocked, planned, resident_bytes, sizes
from corpus.errors import UserError
from corpus.files import atomic_file
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from macbert.scaling.config import FitConfig
from macbert.scaling.grid import grid_plan, run_grid
from macbert.scaling.laws import ComputeLaw, SizeLaw, bootstrap, fit_compute_law, fit_size_law, frontier
from macbert.scaling.plots import plot_fit
from macbert.scaling.points import Point, Size, find_runs, read_point
from macbert.scaling.trends import Trend, find_trends, read_metrics

Progress = Callable[[str, int, int | None], None]

FIT_NAME = "fit.json"
RUNS_NAME = "runs"


@dataclass(frozen=True)
class Fit:
    """The laws of some runs."""

    points: list[Point]
    size_law: SizeLaw
    size_samples: list[tuple[SizeLaw, float]]
    """Laws of the bootstrap, each with the residual (in log loss) of one more run."""
    compute_law: ComputeLaw | None
    """On the runs at the frontier; None with fewer than four there."""
    frontier_runs: list[int]

    @property
    def largest(self) -> float:
        """Operations of the largest run fitted."""
        return max(point.flops for point in self.points)

    def predict(self, weights: float, tokens: float, level: float = 0.9) -> tuple[float, float, float]:
        """Return the loss that a run will come to, and its interval."""
        middle = float(self.size_law(weights, tokens))
        drawn = [float(law(weights, tokens)) * float(np.exp(residual)) for law, residual in self.size_samples]
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return middle, float(low), float(high)

    def errors(self) -> list[float]:
        """Return each run's relative error under the law, predicted over found, less 1."""
        return [float(self.size_law(p.size.weights, p.tokens)) / p.loss - 1 for p in self.points]


@dataclass(frozen=True)
class FitResult:
    """What a fit came to."""

    output: str
    fit: Fit
    trends: list[Trend]
    back_test: float | None
    """Relative error at the run of most compute, predicted from the others; None if they are too few."""

    def tables(self) -> list[tuple[str, list[str], list[tuple[str, ...]]]]:
        """Return the runs."""
        rows: list[tuple[str, ...]] = [
            (
                Path(p.run).name,
                str(p.size),
                f"{p.size.weights:,}",
                f"{p.tokens:,}",
                f"{p.flops:.3g}",
                f"{p.loss:.4f}",
                f"{error:+.2%}",
            )
            for p, error in zip(self.fit.points, self.fit.errors(), strict=True)
        ]
        return [("runs", ["run", "size", "N", "tokens", "operations", "held-out loss", "law is off by"], rows)]

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        law, other = self.fit.size_law, self.fit.compute_law
        lines = [
            ("fit", self.output),
            ("L(N, D)", f"{law.E:.3f} + {law.A:.4g} N^-{law.alpha:.3f} + {law.B:.4g} D^-{law.beta:.3f}"),
            ("mean error on the runs fitted", f"{np.mean(np.abs(self.fit.errors())):.2%}"),
        ]
        if self.back_test is not None:
            lines.append(("largest run from the others", f"off by {self.back_test:+.2%}"))
        if other is not None:
            lines.append(
                ("L(C)", f"{other.a:.4g} C^{other.b:.4f} + {other.c:.3f}, on {len(self.fit.frontier_runs)} runs")
            )
        for trend in self.trends:
            if trend.is_inverse:
                lines.append(("worse with size", trend.told()))
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return {**_as_json(self.fit), "trends": [asdict(t) for t in self.trends], "back_test": self.back_test}


def fit(config: FitConfig, *, progress: Progress | None = None) -> FitResult:
    """Fit loss laws; with ``data``, pretrain the grid first (finished runs of it are not run again).

    Raises:
        UserError: no finished runs, too few, or all of one size or one length.
    """
    folder = Path(config.output)
    if not (folder / RUNS_NAME).is_dir():
        own_output(folder, "scaling")
    paths = list(config.runs)
    if config.data:
        planned(lambda: grid_plan(config, folder / RUNS_NAME))
        run_grid(config, folder / RUNS_NAME, progress)
        paths.append(str(folder / RUNS_NAME))
    points = [read_point(path) for path in find_runs(paths)]
    check_points(points)
    planned(lambda: _plan(config, points))
    found = fit_points(points, config)
    metrics = read_metrics(config.metrics) if config.metrics else []
    trends = find_trends(points, metrics, resamples=config.resamples, seed=config.seed)
    result = FitResult(str(folder), found, trends, _back_test(points, config))
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / FIT_NAME) as stream:
        json.dump(result.as_json(), stream, ensure_ascii=False, indent=2)
        stream.write("\n")
    plot_fit(found.points, found.size_law, found.compute_law, folder)
    if not config.data:
        write_manifest(folder, "scaling", config=config, inputs={"runs": [point.run for point in points]})
    return result


def fit_points(points: list[Point], config: FitConfig) -> Fit:
    """Fit the laws to points.

    Raises:
        UserError: fewer than six, or all of one size or one length.
    """
    check_points(points)
    weights = np.array([point.size.weights for point in points], float)
    tokens = np.array([point.tokens for point in points], float)
    loss = np.array([point.loss for point in points])
    law = fit_size_law(weights, tokens, loss, config.delta)
    generator = np.random.default_rng(config.seed)
    drawn = bootstrap(np.asarray(law(weights, tokens)), loss, 5, config.resamples, generator)
    samples = [(fit_size_law(weights, tokens, again, config.delta, near=law), residual) for again, residual in drawn]
    flops = [point.flops for point in points]
    best = frontier(flops, loss.tolist())
    other = None
    if len(best) >= 4:
        other = fit_compute_law([flops[n] for n in best], [points[n].loss for n in best], config.delta)
    return Fit(points, law, samples, other, best)


def check_points(points: list[Point]) -> None:
    """Raise a UserError where laws cannot be fitted: fewer than six points, or all of one size or one length."""
    shapes, lengths = {point.size for point in points}, {point.tokens for point in points}
    if len(points) < 6 or len(shapes) < 2 or len(lengths) < 2:
        found = f"{len(points)} runs of {len(shapes)} sizes and {len(lengths)} lengths"
        fix = "give more runs: 3 sizes of 3 lengths say much more"
        raise UserError.at("--runs", expected="at least 6 runs, 2 sizes, 2 lengths", found=found, fix=fix)


def _plan(config: FitConfig, points: list[Point]) -> Plan:
    weights = np.array([point.size.weights for point in points], float)
    tokens, loss = np.array([point.tokens for point in points], float), np.array([point.loss for point in points])
    seconds = clocked(lambda: fit_size_law(weights, tokens, loss, config.delta))
    return Plan(
        sizes([*(point.run for point in points), config.metrics]),
        [config.output],
        About(seconds * (2 + config.resamples), f"one fit timed, {config.resamples} resamples"),
        About(resident_bytes(), "this process"),
        About(1e6, "fit.json and two plots"),
    )


def read_fit(folder: str | Path) -> Fit:
    """Return a fit from its folder.

    Raises:
        UserError: no fit there.
    """
    path = Path(folder) / FIT_NAME
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        points = [Point(**{**point, "size": Size(**point["size"])}) for point in value["points"]]
        samples = [(SizeLaw(**law), residual) for law, residual in value["size_samples"]]
        other = value["compute_law"] and ComputeLaw(**value["compute_law"])
        return Fit(points, SizeLaw(**value["size_law"]), samples, other, value["frontier_runs"])
    except (OSError, ValueError, KeyError, TypeError):
        found = "no fit.json of ours" if Path(folder).is_dir() else "no folder"
        raise UserError.at(folder, expected="a folder of macbert scaling fit", found=found, fix="fit first") from None


def _as_json(found: Fit) -> dict[str, Any]:
    return {
        "points": [asdict(point) for point in found.points],
        "size_law": asdict(found.size_law),
        "size_samples": [[asdict(law), residual] for law, residual in found.size_samples],
        "compute_law": found.compute_law and asdict(found.compute_law),
        "frontier_runs": found.frontier_runs,
    }


def _back_test(points: list[Point], config: FitConfig) -> float | None:
    """Return the error at the largest run of a fit that has not seen it (nor its repetitions)."""
    largest = max(points, key=lambda point: point.flops)
    others = [point for point in points if (point.size, point.tokens) != (largest.size, largest.tokens)]
    if len(others) < 6 or len({p.size for p in others}) < 2 or len({p.tokens for p in others}) < 2:
        return None
    weights, tokens = [p.size.weights for p in others], [p.tokens for p in others]
    law = fit_size_law(weights, tokens, [p.loss for p in others], config.delta)
    same = [p.loss for p in points if (p.size, p.tokens) == (largest.size, largest.tokens)]
    return float(law(largest.size.weights, largest.tokens)) / float(np.mean(same)) - 1
