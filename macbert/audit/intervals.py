"""Intervals of means, shares and differences between groups."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def bootstrap_mean(
    values: Sequence[float], *, resamples: int, generator: np.random.Generator, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the mean and its percentile bootstrap interval; all are the value itself where there is one.

    >>> bootstrap_mean([1.0, 1.0, 1.0], resamples=100, generator=np.random.default_rng(0))
    (1.0, 1.0, 1.0)
    """
    array = np.asarray(values, float)
    drawn = array[generator.integers(len(array), size=(resamples, len(array)))].mean(1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(array.mean()), float(low), float(high)


def wilson(right: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share (Wilson 1927); (0, 1) of nothing.

    >>> tuple(round(bound, 3) for bound in wilson(0, 10))
    (0.0, 0.278)
    """
    if not total:
        return 0.0, 1.0
    share, square = right / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def greater(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the one-sided p of Mann and Whitney's test that ``left`` is not greater than ``right``; 1 if it cannot be
    told.

    >>> greater([5, 6, 7, 8], [1, 2, 3, 4]) < 0.02
    True
    """
    if not left or not right:
        return 1.0
    from scipy.stats import mannwhitneyu

    method = "exact" if len({*left, *right}) == len(left) + len(right) and len(left) * len(right) < 1600 else "auto"
    return float(mannwhitneyu(left, right, alternative="greater", method=method).pvalue)
