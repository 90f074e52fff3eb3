"""The kernels that choose one word and put a similar word, a random one, [MASK] or itself in its place."""

from __future__ import annotations

import numpy as np
from numba import njit

from macbert.masking import counts as count
from macbert.masking.draws import below, draw, uniform
from macbert.masking.tables import MAX_RANDOM_TOKENS, hash_word

# What became of a position.
UNTOUCHED, SIMILAR, RANDOM, KEPT, MASKED, FALLBACK = range(6)

_DRAWN_REPLACED, _DRAWN_RANDOM, _DRAWN_KEPT = count.DRAWN_REPLACED, count.DRAWN_RANDOM, count.DRAWN_KEPT
_REPLACED, _RANDOM, _KEPT, _RETURNED_WORDS = count.REPLACED, count.RANDOM, count.KEPT, count.RETURNED_WORDS
_FALLBACK_WORDS, _FALLBACK_TOKENS = count.FALLBACK_WORDS, count.FALLBACK_TOKENS


@njit(cache=True, nogil=True)
def hide_word(rules, tables, key, counter, ids, labels, first, size, trace, counts):  # type: ignore[no-untyped-def]
    """Choose a word, each of its tokens becoming [MASK], random or kept; return the draws' counter."""
    for place in range(first, first + size):
        labels[place] = ids[place]
        chance = uniform(draw(key, counter))
        counter += 1
        if chance < rules.replaced_below:
            ids[place] = rules.mask_id
            outcome = MASKED
            counts[_DRAWN_REPLACED] += 1
            counts[_REPLACED] += 1
        elif chance < rules.random_below:
            ids[place] = tables.ordinary[below(draw(key, counter), len(tables.ordinary))]
            counter += 1
            outcome = RANDOM
            counts[_DRAWN_RANDOM] += 1
            counts[_RANDOM] += 1
        else:
            outcome = KEPT
            counts[_DRAWN_KEPT] += 1
            counts[_KEPT] += 1
        if len(trace):
            trace[place, 0] = outcome
    return counter


@njit(cache=True, nogil=True)
def replace_word(rules, tables, key, counter, ids, labels, first, size, fallback_left, trace, counts):  # type: ignore[no-untyped-def]
    """Choose a word and put a similar or random one, or itself, in its place.

    Returns:
        The draws' counter, the tokens spent (0: the word stays unchosen), and the fall-back tokens among them.
    """
    chance = uniform(draw(key, counter))
    counter += 1
    fell = 0
    if chance < rules.replaced_below:
        counts[_DRAWN_REPLACED] += 1
        row = _similar_row(tables, ids, first, size)
        candidates = min(tables.candidate_counts[row], rules.top_k) if row >= 0 else 0
        if candidates > 0:
            start = tables.candidate_starts[row] + below(draw(key, counter), candidates) * size
            counter += 1
            for step in range(size):
                labels[first + step] = ids[first + step]
                ids[first + step] = tables.candidate_ids[start + step]
            outcome = SIMILAR
            counts[_REPLACED] += 1
        elif size > fallback_left:
            counts[_RETURNED_WORDS] += 1
            return counter, 0, 0
        else:
            fell = size
            outcome = FALLBACK
            counts[_FALLBACK_WORDS] += 1
            counts[_FALLBACK_TOKENS] += size
    elif chance < rules.random_below:
        outcome = RANDOM
        counts[_DRAWN_RANDOM] += 1
    else:
        outcome = KEPT
        counts[_DRAWN_KEPT] += 1
        counts[_KEPT] += 1
        for place in range(first, first + size):
            labels[place] = ids[place]
    if outcome in (RANDOM, FALLBACK):
        counts[_RANDOM] += 1
        counter = _put_random(tables, key, counter, ids, labels, first, size)
    if len(trace):
        trace[first : first + size, 0] = outcome
    return counter, size, fell


@njit(cache=True, nogil=True)
def _similar_row(tables, ids, first, size):  # type: ignore[no-untyped-def]
    """Return the row of the word in the table of similar words, or -1."""
    last = len(tables.slots) - 1
    slot = np.int64(hash_word(ids, first, size) & np.uint64(last))
    while True:
        row = tables.slots[slot]
        if row < 0:
            return -1
        start = tables.word_offsets[row]
        if tables.word_offsets[row + 1] - start == size and _equal(tables.word_ids, start, ids, first, size):
            return row
        slot = (slot + 1) & last


@njit(cache=True, nogil=True)
def _equal(one, one_start, other, other_start, size):  # type: ignore[no-untyped-def]
    step = 0
    while step < size and one[one_start + step] == other[other_start + step]:
        step += 1
    return step == size


@njit(cache=True, nogil=True)
def _put_random(tables, key, counter, ids, labels, first, size):  # type: ignore[no-untyped-def]
    """Write another word of the same length, drawn again while it is the word itself; return the draws' counter."""
    for place in range(first, first + size):
        labels[place] = ids[place]
    words = tables.random_counts[size] if size <= MAX_RANDOM_TOKENS else 0
    if words == 1 and _equal(tables.random_ids, tables.random_starts[size], labels, first, size):
        words = 0
    while True:
        if words:
            start = tables.random_starts[size] + below(draw(key, counter), words) * size
            counter += 1
            for step in range(size):
                ids[first + step] = tables.random_ids[start + step]
        else:
            for step in range(size):
                ids[first + step] = tables.ordinary[below(draw(key, counter), len(tables.ordinary))]
                counter += 1
        if not _equal(ids, first, labels, first, size) or (words == 0 and len(tables.ordinary) < 2):
            return counter
