"""Rows masked: the kernel with its rules, its tables and its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from macbert.masking.config import MacMasking
from macbert.masking.counts import SIZE, MaskingCounts
from macbert.masking.draws import MASKS, row_keys
from macbert.masking.kernel import mask_rows
from macbert.masking.rules import masking_rules
from macbert.masking.tables import masking_tables

if TYPE_CHECKING:
    from tokenizer import ChineseTokenizer, Lexicon, SimilarWords

_NO_TRACE = np.empty((0, 0, 0), np.int32)


class RowMasker:
    """Masks rows of at most ``length`` tokens; what it makes of a row is a function of the row and its key.

    Args:
        masking: the rules.
        length: L, slots of a row.
        tokenizer: whose ids the rows have.
        similar: similar words; None: ``mac`` falls back and returns words as if none had a similar one.
        lexicon: words for random replacement; None: random tokens.

    Attributes:
        rules, tables: what the kernels read.
    """

    def __init__(
        self,
        masking: MacMasking,
        length: int,
        tokenizer: ChineseTokenizer,
        similar: SimilarWords | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.masking = masking
        self.length = length
        self.rules = masking_rules(masking, length, tokenizer.mask_id)
        self.tables = masking_tables(tokenizer, similar, lexicon)

    def mask(
        self, input_ids: NDArray[np.int64], marks: NDArray[np.uint8], keys: NDArray[np.uint64], *, trace: bool = False
    ) -> MaskedRows:
        """Mask rows in place.

        Args:
            input_ids: (B, L) int64, L at most ``length``; chosen positions are overwritten.
            marks: (B, L) uint8, bits TEXT, WORD, EDGE of :mod:`macbert.masking.marks`.
            keys: (B,) uint64, from :func:`mask_keys`.
            trace: whether to keep what became of each position, for people.
        """
        rows, length = input_ids.shape
        assert length <= self.length
        assert marks.shape == input_ids.shape
        masked = MaskedRows()
        most_chosen = int(self.rules.budgets[length])
        masked.labels = np.empty((rows, length), np.int64)
        masked.positions, masked.position_labels = np.empty((2, rows, most_chosen), np.int64)
        masked.trace = np.zeros((rows, length, 3), np.int32) if trace else _NO_TRACE
        counts = np.zeros(SIZE, np.int64)
        mask_rows(
            self.rules, self.tables, keys, marks, input_ids, masked.labels, masked.positions, masked.position_labels,
            masked.trace, counts,
        )  # fmt: skip
        masked.sums = counts
        return masked


class MaskedRows:
    """What masking made besides the ids.

    Attributes:
        labels: (B, L) int64, -100 where not chosen.
        positions: (B, K) int64, K = floor(mlm_probability * L): the chosen positions in order, padded with 0.
        position_labels: (B, K) int64, their labels, padded with -100.
        trace: (B, L, 3) int32: what became of a position, its unit (from 1), the n drawn for that unit; or empty.
        sums: (SIZE,) int64, the kernel's counts.
    """

    labels: NDArray[np.int64]
    positions: NDArray[np.int64]
    position_labels: NDArray[np.int64]
    trace: NDArray[np.int32]
    sums: NDArray[np.int64]

    @property
    def counts(self) -> MaskingCounts:
        """What masking did, named."""
        return MaskingCounts.from_array(self.sums)


def mask_keys(seed: int, epoch: int, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a row's key for each number, (B,) uint64: a pure function of (seed, epoch, number).

    >>> mask_keys(0, 1, np.array([5])) == mask_keys(0, 1, np.array([4, 5]))[1:]
    array([ True])
    """
    return row_keys(seed, epoch, numbers, MASKS)
