"""The kernel that makes a batch: order, layout and masks in one call, as a call costs as much as a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpus.compiling import njit
from macbert.examples.layout import SlotArrays, SpecialIds, lay_rows
from macbert.examples.next_sentence import RowIndex
from macbert.examples.order import rows_in_order
from macbert.examples.reading import TokenTable
from macbert.masking.draws import MASKS, row_keys
from macbert.masking.kernel import mask_rows
from macbert.masking.rules import Rules
from macbert.masking.tables import MaskingTables


class RowRecipe(NamedTuple):
    """What all rows of a :class:`~macbert.examples.PretrainingExamples` are made from."""

    table: TokenTable
    row_index: RowIndex
    special: SpecialIds
    rules: Rules
    tables: MaskingTables
    prediction: int
    """Place in ``SENTENCE_PREDICTIONS``."""

    seed: int
    length: int
    """L, slots of a row."""


@njit(nogil=True)
def make_rows(recipe, epoch, places, tokens, marks, pieces, chosen, counts):  # type: ignore[no-untyped-def]
    """Write the rows at some places of an epoch's order.

    Args:
        recipe: :class:`RowRecipe`.
        epoch: of order, second segments and masks.
        places: (B,) int64.
        tokens: (5, B * L + SPARE_SLOTS) int64: input_ids, token_type_ids, position_ids, piece_ids, labels.
        marks: (B * L + SPARE_SLOTS,) uint8.
        pieces: (2, B, P) int64: cls_positions, sop_labels.
        chosen: (2, B, K) int64: masked_positions, masked_labels.
        counts: (SIZE,) int64, added to.
    """
    length, seed = recipe.length, recipe.seed
    rows = rows_in_order(seed, epoch, places, len(recipe.row_index.row_pieces) - 1)
    slots = SlotArrays(tokens[0], tokens[1], tokens[2], tokens[3], marks)
    lay_rows(
        recipe.table, recipe.row_index, recipe.special, recipe.prediction, rows, seed, epoch, length, slots, pieces[0],
        pieces[1],
    )  # fmt: skip
    size, shape = len(rows) * length, (len(rows), length)
    mask_rows(
        recipe.rules, recipe.tables, row_keys(seed, epoch, rows, MASKS), marks[:size].reshape(shape),
        tokens[0, :size].reshape(shape), tokens[4, :size].reshape(shape), chosen[0], chosen[1],
        np.empty((0, 0, 0), np.int32), counts,
    )  # fmt: skip
