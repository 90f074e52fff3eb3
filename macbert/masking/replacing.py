"""The kernels that choose one word and put a similar word, a random one, [MASK] or itself in its place."""

from __future__ import annotations

import numpy as np

from macbert.masking import counts as count
from macbert.masking.compiling import inner
from macbert.masking.draws import below, draw, uniform
from macbert.masking.tables import MAX_RANDOM_TOKENS, hash_word

# What became of a position.
UNTOUCHED, SIMILAR, RANDOM, KEPT, MASKED, FALLBACK = range(6)

_DRAWN_REPLACED, _DRAWN_RANDOM, _DRAWN_KEPT = count.DRAWN_REPLACED, count.DRAWN_RANDOM, count.DRAWN_KEPT
_REPLACED, _RANDOM, _KEPT, _RETURNED_WORDS = count.REPLACED, count.RANDOM, count.KEPT, count.RETURNED_WORDS
_FALLBACK_WORDS, _FALLBACK_TOKENS = count.FALLBACK_WORDS, count.FALLBACK_TOKENS


@inner
def hide_word(rules, store, ordinary, key, counter, ids, labels, first, size, trace, counts):  # type: ignore[no-untyped-def]
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
            ids[place] = store[below(draw(key, counter), ordinary)]
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


@inner
def replace_word(  # type: ignore[no-untyped-def]
    rules, slots, store, random, key, counter, ids, labels, first, size, fallback_left, trace, counts
):
    """Choose a word and put a similar or random one, or itself, in its place.

    Returns:
        The draws' counter, the tokens spent (0: the word stays unchosen), and the fall-back tokens among them.
    """
    chance = uniform(draw(key, counter))
    counter += 1
    fell = 0
    if chance < rules.replaced_below:
        counts[_DRAWN_REPLACED] += 1
        record = _find_record(slots, store, ids, first, size)
        if record >= 0:
            candidate = below(draw(key, counter), min(np.int64(store[record + 1]), rules.top_k))
            counter += 1
            start = record + 2 + size + candidate * size
            for step in range(size):
                labels[first + step] = ids[first + step]
                ids[first + step] = store[start + step]
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
        counter = _put_random(store, random, key, counter, ids, labels, first, size)
    if len(trace):
        trace[first : first + size, 0] = outcome
    return counter, size, fell


@inner
def _find_record(slots, store, ids, first, size):  # type: ignore[no-untyped-def]
    """Return the place of the word's record if it has candidates, else -1."""
    last = len(slots) - 1
    slot = np.int64(hash_word(ids, first, size) & np.uint64(last))
    while True:
        record = np.int64(slots[slot])
        if record < 0:
            return record
        if store[record] == size and _equal(store, record + 2, ids, first, size):
            return record if store[record + 1] else np.int64(-1)
        slot = (slot + 1) & last


@inner
def _equal(one, one_start, other, other_start, size):  # type: ignore[no-untyped-def]
    step = 0
    while step < size and one[one_start + step] == other[other_start + step]:
        step += 1
    return step == size


@inner
def _put_random(store, random, key, counter, ids, labels, first, size):  # type: ignore[no-untyped-def]
    """Write another word of the same length, drawn again while it is the word itself; return the draws' counter."""
    for place in range(first, first + size):
        labels[place] = ids[place]
    base, words = (random[0, size], random[1, size]) if size <= MAX_RANDOM_TOKENS else (np.int64(0), np.int64(0))
    if words == 1 and _equal(store, base, labels, first, size):
        words = np.int64(0)
    ordinary = random[1, 0]
    while True:
        if words:
            start = base + below(draw(key, counter), words) * size
            counter += 1
            for step in range(size):
                ids[first + step] = store[start + step]
        else:
            for step in range(size):
                ids[first + step] = store[below(draw(key, counter), ordinary)]
                counter += 1
        if not _equal(ids, first, labels, first, size) or (words == 0 and ordinary < 2):
            return counter
