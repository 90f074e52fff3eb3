"""What masking did, counted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from macbert.masking.config import MAX_NGRAM

# Places of the kernel's counts, in this order; DRAWN_N and WALKED_N have a place for each n behind them.
(
    ROWS,
    TOKENS,
    BUDGET,
    CHOSEN,
    UNFILLED,
    MOST_UNFILLED,
    UNITS_CUT,
    FILL_WORDS,
    DRAWN_REPLACED,
    DRAWN_RANDOM,
    DRAWN_KEPT,
    REPLACED,
    RANDOM,
    KEPT,
    FALLBACK_WORDS,
    FALLBACK_TOKENS,
    MOST_FALLBACK_OVER,
    RETURNED_WORDS,
    DRAWN_N,
) = range(19)
WALKED_N = DRAWN_N + MAX_NGRAM
SIZE = WALKED_N + MAX_NGRAM + 1


@dataclass(frozen=True)
class MaskingCounts:
    """Sums over rows; a draw is made per word (mac, random) or per token (mlm, wwm, wwm+ngram)."""

    rows: int
    tokens: int
    """Tokens of the rows without [CLS], [SEP] and [PAD]: the N of the budget."""

    budget: int
    """Sum of floor(mlm_probability * N)."""

    chosen: int
    """Tokens chosen for prediction; chosen + unfilled = budget."""

    unfilled: int
    """Tokens of the budget that no word was left for."""

    most_unfilled: int
    """The largest of any row."""

    units_cut: int
    """Units that did not fit the rest of a row's budget and were cut; at most one a row."""

    fill_words: int
    """Words chosen singly after the cut."""

    drawn_replaced: int
    """Draws for a similar word (mac) or [MASK] (mlm, wwm, wwm+ngram)."""

    drawn_random: int
    """Draws for a random word or token."""

    drawn_kept: int
    """Draws for leaving it as it is."""

    replaced: int
    """Outcomes: replaced by a similar word or [MASK]."""

    random: int
    """Outcomes: replaced at random, fall-backs included."""

    kept: int
    """Outcomes: kept, but predicted."""

    fallback_words: int
    """Similar draws without candidates that became random."""

    fallback_tokens: int

    most_fallback_over: int
    """Largest excess of a row's fall-back tokens over its cap: never above 0."""

    returned_words: int
    """Similar draws without candidates beyond the cap: the word stays unchosen."""

    drawn_n: tuple[int, ...]
    """Units taken by the n that was drawn for them, before clipping; the cut unit is among them."""

    walked_n: tuple[int, ...]
    """All units of the walk, taken or not, by the n drawn for them: these draws are independent."""

    @classmethod
    def from_array(cls, counts: NDArray[np.int64]) -> MaskingCounts:
        """Name the kernel's counts."""
        names = [field.name for field in fields(cls)]
        values: dict[str, Any] = dict(zip(names, map(int, counts[:DRAWN_N]), strict=False))
        drawn, walked = counts[DRAWN_N + 1 : WALKED_N + 1], counts[WALKED_N + 1 :]
        return cls(**values, drawn_n=tuple(map(int, drawn)), walked_n=tuple(map(int, walked)))

    def __add__(self, other: MaskingCounts) -> MaskingCounts:
        def joined(name: str) -> Any:
            ours, theirs = getattr(self, name), getattr(other, name)
            if isinstance(ours, tuple):
                return tuple(a + b for a, b in zip(ours, theirs, strict=True))
            return max(ours, theirs) if name.startswith("most_") else ours + theirs

        return MaskingCounts(**{field.name: joined(field.name) for field in fields(self)})

    @property
    def draw_shares(self) -> tuple[float, ...]:
        """Shares of the draws: replaced, random, kept (0.8, 0.1, 0.1 by default)."""
        return _shares(self.drawn_replaced, self.drawn_random, self.drawn_kept)

    @property
    def outcome_shares(self) -> tuple[float, ...]:
        """Shares of the outcomes: replaced, random, kept."""
        return _shares(self.replaced, self.random, self.kept)

    @property
    def ngram_shares(self) -> tuple[float, ...]:
        """Shares of the drawn n = 1, 2, 3 ... among the units taken.

        A row has so many words: where the walk drew long units it has fewer of them, so among the U units of one row a
        unit of n is expected p (1 + (n - m) / (m U)) times, m being the mean n. At length 128 (U = 36, m = 2) that is
        0.394 for 0.4 and 0.103 for 0.1; :attr:`walked_n` has no such term.
        """
        return _shares(*self.drawn_n)

    def as_json(self) -> dict[str, Any]:
        """Return every count and share as JSON values."""
        shares = {name: list(getattr(self, name)) for name in ("draw_shares", "outcome_shares", "ngram_shares")}
        return {**vars(self), "drawn_n": list(self.drawn_n), "walked_n": list(self.walked_n), **shares}


def _shares(*counts: int) -> tuple[float, ...]:
    return tuple(count / max(1, sum(counts)) for count in counts)
