"""The learning rate as a pure function of the step, so that resuming has nothing to restore."""

from __future__ import annotations

import math


def warmup_steps(warmup: float, total_steps: int) -> int:
    """Return the number of warm-up steps; a value below 1 is a share of all steps.

    >>> warmup_steps(0.06, 1000), warmup_steps(50, 1000)
    (60, 50)
    """
    return math.ceil(warmup * total_steps) if warmup < 1 else int(warmup)


def learning_rate_factor(step: int, total_steps: int, *, schedule: str, warmup: float, wsd_decay: float) -> float:
    """Return what the highest learning rate is multiplied by at a step.

    The first step (0) already moves, by 1/warm-up; the last one (total_steps - 1) still does.

    Args:
        step: 0 to total_steps - 1.
        total_steps: steps of the whole run.
        schedule: ``linear``, ``cosine``, ``wsd`` (warm-up, stable, linear decay) or ``constant``.
        warmup: steps, or a share of all steps if below 1.
        wsd_decay: share of all steps in which ``wsd`` falls.

    >>> [learning_rate_factor(s, 8, schedule="linear", warmup=2, wsd_decay=0.1) for s in (0, 1, 2, 7)]
    [0.5, 1.0, 1.0, 0.16666666666666666]
    """
    warm = warmup_steps(warmup, total_steps)
    if step < warm:
        return (step + 1) / warm
    left = (total_steps - step) / max(1, total_steps - warm)
    if schedule == "linear":
        return left
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (1 - left)))
    if schedule == "wsd":
        decay = max(1, math.ceil(wsd_decay * total_steps))
        return min(1.0, (total_steps - step) / decay)
    assert schedule == "constant", schedule
    return 1.0
