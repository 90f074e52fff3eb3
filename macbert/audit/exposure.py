"""Exposure: how far up a model ranks a true secret among others of the same form.

After Carlini et al., "The Secret Sharer" (USENIX Security 2019), section 4: exposure = log2(N) - log2(rank), here with
N drawn secrets in place of all possible ones, and with a masked model's pseudo-log-likelihood: each token of the secret
hidden by itself, the others in sight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from macbert.audit.scoring import Row, Scorer

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Probe:
    """A secret in its sentence, and others that could stand there."""

    before: str
    """Text before the secret."""

    secret: str
    """The true one."""

    after: str
    """Text after it."""

    candidates: tuple[str, ...]
    """Other secrets of the same form."""

    @property
    def text(self) -> str:
        """The sentence with the true secret."""
        return self.before + self.secret + self.after


@dataclass(frozen=True)
class Exposure:
    """A probe's rank."""

    bits: float
    """log2((N + 1) / rank); 0 would be last, 1 the middle, log2(N + 1) first."""

    rank: float
    """1 is the most probable; equal ones share the middle of their ranks."""

    among: int
    """N + 1: candidates of as many tokens as the secret, and the secret."""

    restored: bool
    """Whether the most probable token at every place, hidden one by one, is the secret's."""


def exposures(scorer: Scorer, probes: Sequence[Probe], progress: Progress | None = None) -> list[Exposure | None]:
    """Return each probe's exposure; None where the secret is no whole number of tokens, or nothing else fits there."""
    found = []
    for number, probe in enumerate(probes, 1):
        found.append(_exposure(scorer, probe))
        if progress is not None:
            progress("exposure", number, len(probes))
    return found


def rank_bits(true: float, others: Sequence[float]) -> tuple[float, float]:
    """Return the rank of a score among others, 1 the highest, and its bits.

    >>> rank_bits(3.0, [1.0, 2.0, 0.0])
    (1.0, 2.0)
    >>> rank_bits(1.0, [1.0])[0]
    1.5
    """
    rank = 1 + sum(score > true for score in others) + 0.5 * sum(score == true for score in others)
    return rank, math.log2((len(others) + 1) / rank)


def _exposure(scorer: Scorer, probe: Probe) -> Exposure | None:
    placed = scorer.places(probe.text, len(probe.before), len(probe.before) + len(probe.secret))
    if placed is None:
        return None
    ids, inside = placed
    sequences = [tuple(ids)]
    for candidate in dict.fromkeys(probe.candidates):
        other = scorer.places(
            probe.before + candidate + probe.after, len(probe.before), len(probe.before) + len(candidate)
        )
        # Sums over different numbers of tokens cannot be compared.
        if other is not None and other[1] == inside and tuple(other[0]) != sequences[0]:
            sequences.append(tuple(other[0]))
    if len(sequences) < 2:
        return None
    rows = [Row(sequence, (place,), ((sequence[place],),)) for sequence in sequences for place in inside]
    scores = np.array([values[0] for values in scorer.score(rows)]).reshape(len(sequences), len(inside)).sum(1)
    rank, bits = rank_bits(float(scores[0]), [float(score) for score in scores[1:]])
    return Exposure(bits, rank, len(sequences), _restored(scorer, sequences[0], inside))


def _restored(scorer: Scorer, ids: tuple[int, ...], inside: Sequence[int]) -> bool:
    best = scorer.best([Row(ids, (place,), ()) for place in inside])
    return all(int(tokens[0]) == ids[place] for place, tokens in zip(inside, best, strict=True))
