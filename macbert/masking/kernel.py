"""The masking kernel: words, units, budget, choice and replacement of each row, by the row's own random draws.

``tests/masking/test_reference.py`` says the same slowly and plainly, draw by draw.
"""

from __future__ import annotations

import numpy as np

from corpus.compiling import njit
from macbert.masking import counts as count
from macbert.masking.choosing import choose_words
from macbert.masking.compiling import inner
from macbert.masking.config import MAX_NGRAM
from macbert.masking.counts import SIZE
from macbert.masking.processor import trailing_zeros
from macbert.masking.replacing import UNTOUCHED, hide_word, replace_word
from macbert.masking.tables import find_record, hash_word, is_record_of
from macbert.masking.taking import Taking, draw_words, plan_rows
from macbert.masking.units import RowUnits, RowWords

NOT_CHOSEN = -100

# Rows whose words are found, and whose similar words are asked for, before the first of them is masked: by then the
# memory has come. Even, for words of two rows are joined at a time.
_TOGETHER = 8

_ROWS, _TOKENS, _BUDGET, _CHOSEN, _UNFILLED = count.ROWS, count.TOKENS, count.BUDGET, count.CHOSEN, count.UNFILLED
_MOST_UNFILLED, _MOST_FALLBACK_OVER, _WALKED_N = count.MOST_UNFILLED, count.MOST_FALLBACK_OVER, count.WALKED_N


@njit(nogil=True)
def mask_rows(rules, tables, keys, marks, input_ids, labels, positions, position_labels, trace, counts):  # type: ignore[no-untyped-def]
    """Mask rows in place.

    Args:
        rules: :class:`Rules` for this length.
        tables: :class:`macbert.masking.tables.MaskingTables`.
        keys: (B,) uint64, a key for each row.
        marks: (B, L) uint8 of TEXT, WORD and EDGE.
        input_ids: (B, L) int64; chosen positions are overwritten.
        labels: (B, L) int64, filled with -100 but at chosen positions, where the original id goes.
        positions: (B, K) int64, filled with the chosen positions in order, then 0.
        position_labels: (B, K) int64, filled with their labels, then -100.
        trace: (B, L, 3) int32, or (0, 0, 0) for none: what became of a position, its unit (from 1), n drawn for it.
        counts: (SIZE,) int64, added to.
    """
    rows, length = input_ids.shape
    # Few allocations: each takes as long as a row's words. Units are written with room for the longest behind them.
    size = length + 1 + MAX_NGRAM
    small = np.empty((10, _TOGETHER, size), np.int32)
    large, records = np.empty((6, size), np.int64), np.empty((2, _TOGETHER, size), np.int64)
    units = RowUnits(small[0], small[1], small[2], small[3])
    words = RowWords(np.empty(size, np.uint8), large[0], large[1], large[2:4], large[4:6])
    taking = Taking(
        small[4], small[5], small[6], small[7], small[8], small[9], records[0],
        np.empty((_TOGETHER, size), np.uint64), records[1], np.empty((_TOGETHER, 4), np.int64),
        np.empty(size, np.uint32), np.empty(SIZE, np.int64),
    )  # fmt: skip
    chosen = np.empty(length // 64 + 2, np.uint64)
    for first in range(0, rows, _TOGETHER):
        many = min(_TOGETHER, rows - first)
        for here in range(0, many, 2):
            two = min(2, many - here)
            plan_rows(rules, tables, keys, marks, input_ids, first + here, two, words, units, taking, here)
        if not rules.hides:
            for here in range(many):
                draw_words(rules, tables, keys[first + here], taking, here, np.int64(0))
        for here in range(many):
            _mask_row(
                rules, tables, keys[first + here], input_ids, labels, positions, position_labels, trace, counts,
                first + here, units, taking, here, chosen,
            )  # fmt: skip


@inner
def _mask_row(  # type: ignore[no-untyped-def]
    rules, tables, key, input_ids, labels, positions, position_labels, trace, counts, row, units, taking, here, chosen
):
    """Choose the words of a row, replace them, and write what is known of the chosen positions."""
    ids, row_labels, sizes = input_ids[row], labels[row], taking.sizes[here]
    row_labels[:] = NOT_CHOSEN
    for unit in range(sizes[1]):
        counts[_WALKED_N + units.drawn[here, units.first[here, unit]]] += 1
    if len(trace) > 0:
        _trace_units(units, here, sizes[1], trace[row])
    wrong = True
    while wrong:
        wrong, chosen[:] = False, 0
        words, left, fallback_left = choose_words(rules, tables, key, ids, units, taking, here)
        for place in range(words):
            number = taking.chosen[place]
            first, size = np.int64(taking.first[here, number]), np.int64(taking.size[here, number])
            if rules.hides:
                hide_word(rules, tables, key, ids, row_labels, first, size, trace, row, taking.counts)
            else:
                bits, record = taking.bits[here, number], taking.record[here, number]
                wrong |= not replace_word(
                    rules, tables, key, bits, ids, row_labels, first, size, record, trace, row, taking.counts
                )
            _set_bits(chosen, first, size)
        if wrong:
            _mend_row(tables, ids, row_labels, taking, here)
            if len(trace) > 0:
                trace[row, :, 0] = UNTOUCHED
    for place in range(SIZE):
        counts[place] += taking.counts[place]
    found = _list_chosen(chosen, row_labels, positions[row], position_labels[row])
    counts[_ROWS] += 1
    counts[_TOKENS] += sizes[0]
    counts[_BUDGET] += rules.budgets[sizes[0]]
    counts[_CHOSEN] += found
    counts[_UNFILLED] += left
    counts[_MOST_UNFILLED] = max(counts[_MOST_UNFILLED], left)
    counts[_MOST_FALLBACK_OVER] = max(counts[_MOST_FALLBACK_OVER], -fallback_left)


@njit(nogil=True)
def _mend_row(tables, ids, labels, taking, here):  # type: ignore[no-untyped-def]
    """Undo what was done to a row, and make sure of its records, of which one was another word's: it happens to a row
    in hundreds."""
    for place in range(len(ids)):
        if labels[place] != NOT_CHOSEN:
            ids[place], labels[place] = labels[place], NOT_CHOSEN
    for number in range(taking.sizes[here, 3]):
        first, size = taking.first[here, number], np.int64(taking.size[here, number])
        record = taking.record[here, number]
        if record and not is_record_of(tables.store, record, ids, first, size):
            code = hash_word(ids, np.int64(first), size)
            record = find_record(tables, code, ids, first, size)
            taking.record[here, number], taking.lacks[here, number] = record, np.int64(record == 0)


@inner
def _trace_units(units, here, many, trace):  # type: ignore[no-untyped-def]
    for unit in range(many):
        first = units.first[here, unit]
        for place in range(units.word_first[here, first], units.word_first[here, units.end[here, unit + 1]]):
            trace[place, 1] = unit + 1
            trace[place, 2] = units.drawn[here, first]


@inner
def _set_bits(bits, first, size):  # type: ignore[no-untyped-def]
    """Set the bits of ``size`` places from ``first`` on."""
    while size > 0:
        shift = first & 63
        part = min(size, 64 - shift)
        bits[first >> 6] |= (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - part)) << np.uint64(shift)
        first += part
        size -= part


@inner
def _list_chosen(chosen, labels, positions, position_labels):  # type: ignore[no-untyped-def]
    """Write the chosen places of a row in order, with their labels, and return how many there are."""
    found = 0
    for number in range(len(chosen)):
        bits = chosen[number]
        while bits:
            place = 64 * number + trailing_zeros(bits)
            bits &= bits - np.uint64(1)
            positions[found], position_labels[found] = place, labels[place]
            found += 1
    positions[found:] = 0
    position_labels[found:] = NOT_CHOSEN
    return found
