"""The order in which a row's units are taken, and what is asked of memory before their words are.

Reading a similar word means waiting for memory three times: for the bucket of its hash, for the record, for the row.
Each is asked for here, for all words that will probably be taken, long before it is read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from macbert.masking.compiling import inner
from macbert.masking.draws import below, draw
from macbert.masking.processor import prefetch
from macbert.masking.replacing import ORDER_DRAWS, word_draw, words_to_read
from macbert.masking.tables import bucket_of, hash_word, likely_record
from macbert.masking.units import draw_units, find_words, join_words
from macbert.masking.vectors import count_eight, fill_eight


class Taking(NamedTuple):
    """The order in which the units and words of a few rows are taken, as far as it is known.

    A word that has a place in it is known by its number there, from 0 on. Room is for G rows of L + 1 words, and a unit
    of the longest kind behind them.
    """

    order: NDArray[np.int32]
    """(G, L + 9) units; from the number placed on, those that have no place yet."""

    word: NDArray[np.int32]
    """(G, L + 9) the word."""

    unit_tokens: NDArray[np.int32]
    """(G, L + 9) tokens of its unit if it is the first there, otherwise 0."""

    unit_drawn: NDArray[np.int32]
    """(G, L + 9) words that were drawn for its unit if it is the first there, otherwise 0."""

    first: NDArray[np.int32]
    """(G, L + 9) its first position."""

    size: NDArray[np.int32]
    """(G, L + 9) its tokens."""

    record: NDArray[np.int64]
    """(G, L + 9) its hash; then the place of its record if a similar word is drawn for it, or 0."""

    bits: NDArray[np.uint64]
    """(G, L + 9) its first draw."""

    lacks: NDArray[np.int64]
    """(G, L + 9) 1 if a similar word is drawn for it and there is none, otherwise 0."""

    sizes: NDArray[np.int64]
    """(G, 4) tokens, units, units that have a place, words of these."""

    chosen: NDArray[np.uint32]
    """(L + 9,) numbers of the words chosen of the row at hand."""

    counts: NDArray[np.int64]
    """(SIZE,) what choosing adds to the counts for the row at hand."""


@inner
def plan_rows(rules, tables, keys, marks, input_ids, row, many, words, units, taking, here):  # type: ignore[no-untyped-def]
    """Find the words and units of one or two rows, and put as many units in order as will be taken."""
    most = np.int64(0)
    words.choosable[1, :] = 0
    for side in range(many):
        word_first, key = units.word_first[here + side], keys[row + side]
        found, tokens = find_words(rules, tables.classes, marks[row + side], input_ids[row + side], words, word_first)
        draw_units(rules, key, found, words, side, word_first, units.drawn[here + side])
        taking.sizes[here + side, 0] = tokens
        most = max(most, found)
    found_units = join_words(words, most, units, here)
    for side in range(many):
        _order_units(rules, keys[row + side], units, taking, here + side, found_units[side])
        _look_up(rules, tables, input_ids[row + side], units, taking, here + side, np.int64(0))


@inner
def _order_units(rules, key, units, taking, here, many):  # type: ignore[no-untyped-def]
    """Put as many units of a row in order as will be taken."""
    order, sizes = taking.order[here], taking.sizes[here]
    for unit in range(many):
        order[unit] = unit
    budget = rules.budgets[sizes[0]]
    # Words without a similar one are given back, and others taken in their place.
    enough = budget if rules.hides else 2 * budget
    placed = words = wanted = np.int64(0)
    while placed < many and wanted < enough:
        words, tokens = _place_unit(key, placed, many, words, units, taking, here)
        wanted += tokens
        placed += 1
    sizes[1], sizes[2], sizes[3] = many, placed, words


@inner
def _place_unit(key, placed, many, words, units, taking, here):  # type: ignore[no-untyped-def]
    """Draw which unit is taken next, add its words; return how many words there are then, and its tokens."""
    order, word_first = taking.order[here], units.word_first[here]
    other = np.uint64(placed + below(draw(key, ORDER_DRAWS + placed), many - placed))
    unit = np.uint64(order[other])
    order[other] = order[np.uint64(placed)]
    begin, end = np.uint64(units.first[here, unit]), np.uint64(units.end[here, unit + np.uint64(1)])
    tokens = np.int64(word_first[end]) - np.int64(word_first[begin])
    # As many as a unit can have, so that no branch depends on how many it has; the next unit goes over the rest.
    count_eight(taking.word[here], words, np.int32(begin))
    fill_eight(taking.unit_tokens[here], words, np.int32(0))
    fill_eight(taking.unit_drawn[here], words, np.int32(0))
    taking.unit_tokens[here, np.uint64(words)] = tokens
    taking.unit_drawn[here, np.uint64(words)] = units.drawn[here, begin]
    return words + np.int64(end - begin), tokens


@inner
def _look_up(rules, tables, ids, units, taking, here, start):  # type: ignore[no-untyped-def]
    """Write where the words are from a number on, and ask for the memory that tells where their similar words are."""
    word, first, size = taking.word[here], taking.first[here], taking.size[here]
    record, word_first = taking.record[here], units.word_first[here]
    for number in range(np.uint64(start), np.uint64(taking.sizes[here, 3])):
        begin = np.uint64(word[number])
        first[number] = word_first[begin]
        size[number] = word_first[begin + np.uint64(1)] - word_first[begin]
        if not rules.hides:
            code = hash_word(ids, np.int64(first[number]), np.int64(size[number]))
            record[number] = code
            prefetch(tables.buckets, bucket_of(tables, code))


@inner
def draw_words(rules, tables, key, taking, here, start):  # type: ignore[no-untyped-def]
    """Draw what becomes of the words from a number on, and ask for the memory of what will replace them."""
    first, size, record = taking.first[here], taking.size[here], taking.record[here]
    bits, lacks = taking.bits[here], taking.lacks[here]
    for number in range(np.uint64(start), np.uint64(taking.sizes[here, 3])):
        drawn = word_draw(key, np.int64(first[number]))
        bits[number] = drawn
        found = likely_record(tables, np.uint64(record[number]))
        record[number], lacks[number], read = words_to_read(rules, tables, drawn, np.int64(size[number]), found)
        prefetch(tables.store, read)


@njit(nogil=True)
def take_another_unit(rules, tables, key, ids, units, taking, here):  # type: ignore[no-untyped-def]
    """Place a unit that was not expected to be needed and return the number of words; a call, so that it does not
    lengthen what is done for each of them."""
    sizes = taking.sizes[here]
    start = sizes[3]
    sizes[3], _ = _place_unit(key, sizes[2], sizes[1], start, units, taking, here)
    sizes[2] += 1
    _look_up(rules, tables, ids, units, taking, here, start)
    if not rules.hides:
        draw_words(rules, tables, key, taking, here, start)
    return taking.sizes[here, 3]
