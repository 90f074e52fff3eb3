"""The kernels that choose one word and put a similar word, a random one, [MASK] or itself in its place."""

from __future__ import annotations

import numpy as np

from macbert.masking import counts as count
from macbert.masking.compiling import inner
from macbert.masking.draws import below, draw
from macbert.masking.tables import MAX_RANDOM_TOKENS, is_record_of, same_ids

# A row's draws: one for each unit; from here on, one for each place of the order; then so many for each word, numbered
# by its first position. Where tokens are hidden, each of them counts as a word. The upper half of a word's first draw
# tells what becomes of it, the lower half which other word comes in its place; the next draws are for when that one
# will not do.
ORDER_DRAWS, WORD_DRAWS, DRAWS_OF_A_WORD = 1 << 32, 1 << 33, 1 << 20

# What became of a position.
UNTOUCHED, SIMILAR, RANDOM, KEPT, MASKED, FALLBACK = range(6)

_DRAWN_REPLACED, _DRAWN_RANDOM, _DRAWN_KEPT = count.DRAWN_REPLACED, count.DRAWN_RANDOM, count.DRAWN_KEPT
_REPLACED, _RANDOM, _KEPT = count.REPLACED, count.RANDOM, count.KEPT
_FALLBACK_WORDS, _FALLBACK_TOKENS = count.FALLBACK_WORDS, count.FALLBACK_TOKENS

_S32 = np.uint64(32)


@inner
def hide_word(rules, tables, key, ids, labels, first, size, trace, row, counts):  # type: ignore[no-untyped-def]
    """Choose a word, each of its tokens becoming [MASK], random or kept."""
    for place in range(first, first + size):
        labels[place] = ids[place]
        bits = word_draw(key, place)
        if chance_of(bits) < rules.replaced_below:
            ids[place] = rules.mask_id
            outcome = MASKED
            counts[_DRAWN_REPLACED] += 1
            counts[_REPLACED] += 1
        elif chance_of(bits) < rules.random_below:
            ids[place] = tables.store[_pick(bits, tables.random[1, 0])]
            outcome = RANDOM
            counts[_DRAWN_RANDOM] += 1
            counts[_RANDOM] += 1
        else:
            outcome = KEPT
            counts[_DRAWN_KEPT] += 1
            counts[_KEPT] += 1
        if len(trace):
            trace[row, place, 0] = outcome


@inner
def replace_word(rules, tables, key, bits, ids, labels, first, size, record, trace, row, counts):  # type: ignore[no-untyped-def]
    """Put a similar or random word, or itself, in the place of a chosen word.

    Args:
        bits: its :func:`word_draw`.
        record: place of its similar words in the table, or 0.

    Returns:
        Whether it is done: if not, the record is another word's.
    """
    if chance_of(bits) < rules.replaced_below:
        counts[_DRAWN_REPLACED] += 1
        outcome = SIMILAR if record > 0 else FALLBACK
    else:
        outcome = RANDOM if chance_of(bits) < rules.random_below else KEPT
        counts[_DRAWN_RANDOM] += outcome == RANDOM
        counts[_DRAWN_KEPT] += outcome == KEPT
    if outcome == SIMILAR:
        if not is_record_of(tables.store, record, ids, first, size):
            return False
        counts[_REPLACED] += 1
        candidate = _pick(bits, min(np.int64(tables.store[record + 1]), rules.top_k))
        _put_word(tables.store, record + 2 + size + candidate * size, ids, labels, first, size)
    elif outcome == KEPT:
        counts[_KEPT] += 1
        for step in range(size):
            labels[first + step] = ids[first + step]
    else:
        counts[_RANDOM] += 1
        counts[_FALLBACK_WORDS] += outcome == FALLBACK
        counts[_FALLBACK_TOKENS] += size * (outcome == FALLBACK)
        _put_random(tables, key, bits, ids, labels, first, size)
    if len(trace):
        trace[row, first : first + size, 0] = outcome
    return True


@inner
def _put_word(store, start, ids, labels, first, size):  # type: ignore[no-untyped-def]
    """Write a word of the store over another, whose tokens become the labels; two tokens without a branch."""
    second = np.int64(size > 1)
    one, two = ids[first], ids[first + second]
    labels[first] = one
    labels[first + second] = two
    ids[first + second] = store[start + second]
    ids[first] = store[start]
    for step in range(2, size):
        labels[first + step] = ids[first + step]
        ids[first + step] = store[start + step]


@inner
def word_draw(key, first):  # type: ignore[no-untyped-def]
    """Return the first draw of the word that begins at a position."""
    return draw(key, WORD_DRAWS + first * DRAWS_OF_A_WORD)


@inner
def chance_of(bits):  # type: ignore[no-untyped-def]
    """Return the upper half of a draw."""
    return np.int64(bits >> _S32)


@inner
def _pick(bits, bound):  # type: ignore[no-untyped-def]
    """Return a whole number in [0, bound), by the lower half of a draw."""
    return below(bits << _S32, bound)


@inner
def words_to_read(rules, tables, bits, size, record):  # type: ignore[no-untyped-def]
    """Tell what :func:`replace_word` will read for a word that has a record, or none (0).

    Returns:
        The record if a similar word is drawn, otherwise 0; 1 if one is drawn and there is none, otherwise 0; a place of
        the store.
    """
    # -1 has all bits set and 0 none: an if that is never guessed.
    similar = np.int64(chance_of(bits) < rules.replaced_below)
    none = np.int64(record == 0)
    base, words = _words_of_size(tables, size)
    place = base + _pick(bits, words) * size
    record &= -similar
    return record, similar & none, place ^ ((place ^ record) & -np.int64(record > 0))


@inner
def _words_of_size(tables, size):  # type: ignore[no-untyped-def]
    """Return where the random words of a size begin, and how many there are."""
    column = size if size <= MAX_RANDOM_TOKENS else np.int64(0)
    return tables.random[0, column], tables.random[1, column] * np.int64(column > 0)


@inner
def _put_random(tables, key, bits, ids, labels, first, size):  # type: ignore[no-untyped-def]
    """Write another word of the same length, drawn again while it is the word itself."""
    store, counter = tables.store, WORD_DRAWS + first * DRAWS_OF_A_WORD + 1
    base, words = _words_of_size(tables, size)
    if words == 1 and same_ids(store, base, ids, first, size):
        words = np.int64(0)
    if words:
        start = base + _pick(bits, words) * size
        while same_ids(store, start, ids, first, size):
            start = base + below(draw(key, counter), words) * size
            counter += 1
        _put_word(store, start, ids, labels, first, size)
        return
    for step in range(size):
        labels[first + step] = ids[first + step]
    ordinary = tables.random[1, 0]
    while True:
        for step in range(size):
            ids[first + step] = store[below(draw(key, counter), ordinary)]
            counter += 1
        if not same_ids(ids, first, labels, first, size) or ordinary < 2:
            return
