"""The masking kernel: words, units, budget, choice and replacement of each row, by the row's own random draws.

``tests/masking/test_reference.py`` says the same slowly and plainly, draw by draw.
"""

from __future__ import annotations

import numpy as np

from corpus.compiling import njit
from macbert.masking import counts as count
from macbert.masking.compiling import inner
from macbert.masking.draws import below, draw, uniform
from macbert.masking.replacing import hide_word, replace_word
from macbert.masking.tables import ORDINARY, SPECIAL, SYMBOL, UNKNOWN

# Bits of a position's mark. TEXT: a token that may be masked, no [CLS], [SEP] or [PAD]. EDGE: the first token of a
# sentence or segment, which no unit crosses; it begins a word too.
TEXT, WORD, EDGE = 1, 2, 4
_WORD_BIT, _EDGE_BIT = 1, 2

NOT_CHOSEN = -100

_ROWS, _TOKENS, _BUDGET, _CHOSEN, _UNFILLED = count.ROWS, count.TOKENS, count.BUDGET, count.CHOSEN, count.UNFILLED
_MOST_UNFILLED, _UNITS_CUT, _FILL_WORDS = count.MOST_UNFILLED, count.UNITS_CUT, count.FILL_WORDS
_MOST_FALLBACK_OVER, _DRAWN_N, _WALKED_N = count.MOST_FALLBACK_OVER, count.DRAWN_N, count.WALKED_N


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
    length = input_ids.shape[1]
    # A word: its first position, its tokens (negative: never chosen), whether it stands at an edge.
    word_first, word_size = np.empty(length + 1, np.int32), np.empty(length + 1, np.int32)
    word_edge = np.empty(length + 1, np.bool_)
    # A unit: its first word, words, tokens, and the n drawn for it.
    units = np.empty((length + 1, 4), np.int32)
    order = np.empty(length + 1, np.int32)
    no_trace = np.empty((0, 3), np.int32)
    slots, store, random = tables.slots, tables.store, tables.random
    for row in range(input_ids.shape[0]):
        ids, row_labels, key = input_ids[row], labels[row], keys[row]
        row_labels[:] = NOT_CHOSEN
        words, tokens = _find_words(rules, tables.classes, marks[row], ids, word_first, word_size, word_edge)
        units_found = _walk(rules.ngram_bounds, key, words, word_size, word_edge, units, counts)
        budget = rules.budgets[tokens]
        row_trace = trace[row] if trace.shape[0] > 0 else no_trace
        if len(row_trace):
            _trace_units(units[:units_found], word_first, word_size, row_trace)
        left = _choose(
            rules, slots, store, random, key, units_found, ids, row_labels, word_first, word_size, units, order,
            budget, row_trace, counts,
        )  # fmt: skip
        found = place = 0
        while found < budget - left:
            # Written for every place, and again until one is chosen: no branch to guess wrong.
            positions[row, found] = place
            position_labels[row, found] = row_labels[place]
            found += row_labels[place] != NOT_CHOSEN
            place += 1
        positions[row, found:] = 0
        position_labels[row, found:] = NOT_CHOSEN
        counts[_ROWS] += 1
        counts[_TOKENS] += tokens
        counts[_BUDGET] += budget
        counts[_CHOSEN] += found
        counts[_UNFILLED] += left
        counts[_MOST_UNFILLED] = max(counts[_MOST_UNFILLED], left)


@inner
def _find_words(rules, classes, marks, ids, word_first, word_size, word_edge):  # type: ignore[no-untyped-def]
    """Return the numbers of words and of tokens of a row; words that are never chosen get a negative size."""
    words = tokens = np.int64(0)
    inside = size = kinds = np.int64(0)
    by_token = np.int64(rules.by_token)
    bad = (1 << UNKNOWN) | (1 << SPECIAL)
    good = (1 << ORDINARY) | (np.int64(rules.mask_punctuation) << SYMBOL)
    # No branches: whether a token begins a word is a coin that a processor guesses wrong 40 times in a row of 128.
    for place in range(len(ids)):
        mark = np.int64(marks[place])
        text = mark & TEXT
        edge = text & ((1 - inside) | (mark >> _EDGE_BIT))
        begins = text & (edge | by_token | (mark >> _WORD_BIT))
        size = size * (1 - begins) + text
        kinds = kinds * (1 - begins) | (text << np.int64(classes[ids[place]]))
        # The place behind the last word is written too, and again when a word begins there.
        word_first[words] = place
        word_edge[words] = edge
        words += begins
        # [UNK] as a label would teach nothing, so a word with one is never chosen, as one of only symbols.
        choosable = np.int64((kinds & good != 0) & (kinds & bad == 0))
        word_size[max(words - 1, 0)] = size * (2 * choosable - 1)
        tokens += text
        inside = text
    return words, tokens


@inner
def _walk(ngram_bounds, key, words, word_size, word_edge, units, counts):  # type: ignore[no-untyped-def]
    """Cut the words into units from left to right and return their number; one draw a unit."""
    found = left = 0
    for word in range(words):
        if word_size[word] < 0:
            left = 0
            continue
        if left == 0 or word_edge[word]:
            chance = uniform(draw(key, found))
            left = 1
            for bound in ngram_bounds:
                left += chance >= bound
            units[found, 0] = word
            units[found, 1] = 0
            units[found, 2] = 0
            units[found, 3] = left
            counts[_WALKED_N + left] += 1
            found += 1
        units[found - 1, 1] += 1
        units[found - 1, 2] += word_size[word]
        left -= 1
    return found


@inner
def _choose(  # type: ignore[no-untyped-def]
    rules,
    slots,
    store,
    random,
    key,
    units_found,
    ids,
    labels,
    word_first,
    word_size,
    units,
    order,
    budget,
    trace,
    counts,
):
    """Take units in random order until the budget is spent; return what is left of it."""
    left = budget
    fallback_cap = rules.fallback_caps[budget]
    fallback = 0
    counter = units_found
    filling = False
    for number in range(units_found):
        order[number] = number
    for taken in range(units_found):
        if left == 0:
            break
        other = taken + below(draw(key, counter), units_found - taken)
        counter += 1
        unit = order[other]
        order[other] = order[taken]
        # The leading words that fit: all of them, until the first unit that does not fit; afterwards none.
        words = units[unit, 1]
        whole = 0
        if not filling:
            counts[_DRAWN_N + units[unit, 3]] += 1
            whole = words
            if units[unit, 2] > left:
                filling = True
                counts[_UNITS_CUT] += 1
                whole, size = 0, word_size[units[unit, 0]]
                while size <= left:
                    whole += 1
                    size += word_size[units[unit, 0] + whole]
        for word in range(units[unit, 0], units[unit, 0] + words):
            size = word_size[word]
            single = word - units[unit, 0] >= whole
            if single and size > left:
                continue
            if rules.hides:
                counter = hide_word(
                    rules, store, random[1, 0], key, counter, ids, labels, word_first[word], size, trace, counts
                )
                used = size
            else:
                counter, used, fell = replace_word(
                    rules, slots, store, random, key, counter, ids, labels, word_first[word], size,
                    fallback_cap - fallback, trace, counts,
                )  # fmt: skip
                fallback += fell
            left -= used
            if single and used:
                counts[_FILL_WORDS] += 1
    counts[_MOST_FALLBACK_OVER] = max(counts[_MOST_FALLBACK_OVER], fallback - fallback_cap)
    return left


@inner
def _trace_units(units, word_first, word_size, trace):  # type: ignore[no-untyped-def]
    for number in range(len(units)):
        first = units[number, 0]
        for word in range(first, first + units[number, 1]):
            for place in range(word_first[word], word_first[word] + word_size[word]):
                trace[place, 1] = number + 1
                trace[place, 2] = units[number, 3]
