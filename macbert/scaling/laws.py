"""The two laws and their fits: L(N, D) = E + A N^-alpha + B D^-beta, and L(C) = a C^b + c.

Fitted by Huber's loss on log L (Hoffmann et al. 2022, appendix D). For given exponents the other terms are linear, so
that a grid of exponents with non-negative least squares starts the search near every possible optimum (variable
projection): published fits went wrong by stopping early from a bad start (Besiroglu et al. 2024).
"""

# n = runs

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

Array = NDArray[np.float64]
Values = Sequence[float] | Array

_EXPONENTS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9)
_STARTS = 4


@dataclass(frozen=True)
class SizeLaw:
    """L(N, D) = E + A N^-alpha + B D^-beta, in nats."""

    E: float
    A: float
    alpha: float
    B: float
    beta: float

    def __call__(self, weights: Array | float, tokens: Array | float) -> Array | float:
        """Return the loss of so many weights and tokens."""
        return self.E + self.A * np.power(weights, -self.alpha) + self.B * np.power(tokens, -self.beta)


@dataclass(frozen=True)
class ComputeLaw:
    """L(C) = a C^b + c with b < 0, in nats."""

    a: float
    b: float
    c: float

    def __call__(self, flops: Array | float) -> Array | float:
        """Return the loss of so many operations."""
        return self.a * np.power(flops, self.b) + self.c


def fit_size_law(weights: Values, tokens: Values, loss: Values, delta: float, near: SizeLaw | None = None) -> SizeLaw:
    """Fit L(N, D) to runs of at least two sizes and two lengths.

    Args:
        weights: (n,) N of each run.
        tokens: (n,) D of each run.
        loss: (n,) held-out loss of each run.
        delta: Huber's threshold in log loss.
        near: a law of almost the same runs (a bootstrap sample's), to search from it alone.
    """
    N, D, L = (np.asarray(values, float) for values in (weights, tokens, loss))
    # Scaled by their geometric means, so that A and B are losses at a typical run and not astronomically large.
    n0, d0 = np.exp(np.log(N).mean()), np.exp(np.log(D).mean())
    x, y = N / n0, D / d0
    starts: list[tuple[float, list[float]]] = []
    if near is not None:
        scaled = [near.E, near.A * n0**-near.alpha, near.B * d0**-near.beta, near.alpha, near.beta]
        starts.append((0.0, [float(value) for value in scaled]))
    for alpha, beta in product(_EXPONENTS, _EXPONENTS) if near is None else ():
        columns = np.stack([np.ones_like(L), x**-alpha, y**-beta], 1)
        found, residual = nnls(columns / L[:, None], np.ones_like(L))
        starts.append((residual, [*found, alpha, beta]))
    best = _refine(starts, lambda p: np.log(p[0] + p[1] * x ** -p[3] + p[2] * y ** -p[4]) - np.log(L), delta)
    E, A, B, alpha, beta = best
    return SizeLaw(E, A * n0**alpha, alpha, B * d0**beta, beta)


def fit_compute_law(flops: Values, loss: Values, delta: float) -> ComputeLaw:
    """Fit L(C) to runs of at least three amounts of compute."""
    C, L = np.asarray(flops, float), np.asarray(loss, float)
    c0 = np.exp(np.log(C).mean())
    x = C / c0
    starts = []
    for exponent in _EXPONENTS:
        found, residual = nnls(np.stack([x**-exponent, np.ones_like(L)], 1) / L[:, None], np.ones_like(L))
        starts.append((residual, [*found, exponent]))
    a, c, exponent = _refine(starts, lambda p: np.log(p[0] * x ** -p[2] + p[1]) - np.log(L), delta)
    return ComputeLaw(a * c0**exponent, -exponent, c)


def frontier(flops: Sequence[float], loss: Sequence[float]) -> list[int]:
    """Return the runs that no run with less compute equals or beats, by rising compute.

    >>> frontier([1.0, 2.0, 3.0], [3.0, 3.5, 2.0])
    [0, 2]
    """
    kept: list[int] = []
    for number in sorted(range(len(flops)), key=lambda n: (flops[n], loss[n])):
        if not kept or loss[number] < loss[kept[-1]]:
            kept.append(number)
    return kept


def bootstrap(
    predicted: Array, loss: Array, parameters: int, resamples: int, generator: np.random.Generator
) -> list[tuple[Array, float]]:
    """Return resampled losses of the same runs, each with one more residual for the run to be predicted.

    Residuals in log loss are drawn with replacement and widened by sqrt(n / (n - parameters)), since a fit hugs its own
    runs. (Drawing runs instead would often leave a size out, and the law undetermined.)
    """
    residuals = np.log(loss) - np.log(predicted)
    free = max(1, len(loss) - parameters)
    residuals = (residuals - residuals.mean()) * np.sqrt(len(loss) / free)
    samples = []
    for _ in range(resamples):
        drawn = generator.choice(residuals, len(loss) + 1)
        samples.append((predicted * np.exp(drawn[:-1]), float(drawn[-1])))
    return samples


def _refine(starts: list[tuple[float, list[float]]], residual: Callable[[Array], Array], delta: float) -> list[float]:
    """Return the best of the searches from the best starts, in logarithms of the parameters (all are positive)."""
    results: list[tuple[float, Any]] = []

    def bounded(logs: Array) -> Array:
        # A step may go where a power overflows: a residual of 100 (e**100 times the loss) sends the search back.
        with np.errstate(all="ignore"):
            values = residual(np.exp(np.clip(logs, -30, 30)))
        return np.clip(np.nan_to_num(values, nan=100.0, posinf=100.0, neginf=-100.0), -100, 100)

    for _, start in sorted(starts, key=lambda item: item[0])[:_STARTS]:
        found = least_squares(bounded, np.log(np.maximum(start, 1e-4)), loss="huber", f_scale=delta, max_nfev=200)
        results.append((float(found.cost), found.x))
    return [float(value) for value in np.exp(np.clip(min(results, key=lambda item: item[0])[1], -30, 30))]
