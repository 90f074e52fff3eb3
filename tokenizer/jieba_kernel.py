"""jieba's algorithm in compiled code: the best path through the dictionary, then a hidden Markov model for the rest.

Every number and every order of additions is jieba's (0.42.1), so the boundaries are too, ties included; the only
difference is speed. Why not rjieba alone: its hidden Markov model has rounded probabilities, which decide otherwise
where two paths are within 1e-6 (常|在|此 and 常在|此 differ by 1.5e-7).
"""

from __future__ import annotations

import numpy as np

from corpus.compiling import njit

# Classes of a character (what jieba's patterns tell apart).
OUTSIDE, HAN, LETTER, DIGIT, POINT, PERCENT, SIGN = range(7)

# States of the hidden Markov model, in the order of their letters: jieba breaks ties by the larger letter.
B, E, M, S = range(4)

# A step of the trie, from a node by a character to a child, is a slot of two words of 64 bits, so that it waits for one
# line of memory: 22 bits of the node, 18 of the character's number, 23 of the child; then the weight of the word that
# ends there, the logarithm of its share of the dictionary (at most 0). It is slot hash(node, character) or one behind.
NO_WORD = 1.0
MAX_NODES, MAX_CHARACTERS = 1 << 22, 1 << 18
_CHILD_BITS, _CHARACTER_BITS = 23, 18
_CHILD_MASK = (1 << _CHILD_BITS) - 1
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(40)

# The node that a search begins with; character number 0 is one that no word has.
_ROOT = 0


@njit(nogil=True, inline="always")
def _slot_of(key, last):  # type: ignore[no-untyped-def]
    return np.int64((np.uint64(key) * _MULTIPLIER) >> _SHIFT) & last


@njit(nogil=True, inline="always")
def _find(slots, last, node, character):  # type: ignore[no-untyped-def]
    """Return the slot of a step, or -1."""
    key = (np.int64(node) << _CHARACTER_BITS) | np.int64(character)
    slot = _slot_of(key, last)
    found = slots[2 * slot]
    while found >> _CHILD_BITS != key:
        if found < 0:
            return np.int64(-1)
        slot = (slot + 1) & last
        found = slots[2 * slot]
    return slot


@njit(nogil=True)
def add_words(slots, weights, nodes, characters, first, ends, values):  # type: ignore[no-untyped-def]
    """Add words to the trie and return its number of nodes; a later value of the same word replaces the earlier.

    Args:
        slots: (2 * slots,) int64, -1 where free.
        weights: the same memory as float64.
        nodes: how many there are.
        characters: numbers of characters.
        first: (W,) word w is ``characters[first[w]:ends[w]]``.
        ends: (W,) int64.
        values: (W,) float64 weights, ``NO_WORD`` for one that is none.
    """
    last = len(slots) // 2 - 1
    for word in range(len(ends)):
        node = _ROOT
        slot = np.int64(0)
        for place in range(first[word], ends[word]):
            key = (np.int64(node) << _CHARACTER_BITS) | np.int64(characters[place])
            slot = _slot_of(key, last)
            while slots[2 * slot] >= 0 and slots[2 * slot] >> _CHILD_BITS != key:
                slot = (slot + 1) & last
            if slots[2 * slot] < 0:
                slots[2 * slot] = (key << _CHILD_BITS) | nodes
                weights[2 * slot + 1] = NO_WORD
                nodes += 1
            node = slots[2 * slot] & _CHILD_MASK
        weights[2 * slot + 1] = values[word]
    return nodes


@njit(nogil=True)
def root_steps(slots, weights, nodes, root_weights):  # type: ignore[no-untyped-def]
    """Write for each character's number the node of the words that begin with it (-1: none) and its own weight."""
    last = len(slots) // 2 - 1
    for character in range(len(nodes)):
        slot = _find(slots, last, _ROOT, character)
        nodes[character] = slots[2 * slot] & _CHILD_MASK if slot >= 0 else -1
        root_weights[character] = weights[2 * slot + 1] if slot >= 0 else NO_WORD


@njit(nogil=True)
def mark_words(  # type: ignore[no-untyped-def]
    codes, classes, numbers, slots, weights, nodes, root_weights, unknown, start_p, trans_p, emit_p, starts
):
    """Set ``starts`` (N,) to True where jieba's words begin.

    Args:
        codes: (N,) uint32 code points.
        classes: (N,) uint8: where jieba's patterns cut.
        numbers: (code points,) int32: the character's number in the trie, 0 for one that no word has.
        slots: the trie, as int64.
        weights: the same memory as float64.
        nodes: (characters,) int32 from :func:`root_steps`.
        root_weights: (characters,) float64.
        unknown: the weight of a character that is no word.
        start_p: (4,) of the hidden Markov model, as ``trans_p`` (4, 4) and ``emit_p`` (4, code points).
        trans_p: see above.
        emit_p: see above.
        starts: (N,) bool, False at first.
    """
    count = len(codes)
    longest = 1
    first = 0
    while first < count:
        if classes[first] == OUTSIDE:
            first += 1
            continue
        end = first
        while end < count and classes[end] != OUTSIDE:
            end += 1
        longest = max(longest, end - first)
        first = end
    score = np.empty(longest + 1, np.float64)
    best = np.empty(longest + 1, np.int32)
    characters = np.empty(longest + 1, np.int32)
    back = np.empty((longest, 4), np.int8)
    first = 0
    while first < count:
        if classes[first] == OUTSIDE:
            starts[first] = not (codes[first] == 10 and first > 0 and codes[first - 1] == 13)
            first += 1
            continue
        end = first
        while end < count and classes[end] != OUTSIDE:
            end += 1
        _best_path(codes, first, end, numbers, slots, weights, nodes, root_weights, unknown, score, best, characters)
        place = first
        single = first  # single characters since here wait for the hidden Markov model
        while place < end:
            after = place + best[place - first]
            starts[place] = True
            if after - place > 1:
                if place - single > 1 and not _is_word(characters, single - first, place - first, slots, weights):
                    mark_unknown(codes, classes, single, place, start_p, trans_p, emit_p, back, starts)
                single = after
            place = after
        if end - single > 1 and not _is_word(characters, single - first, end - first, slots, weights):
            mark_unknown(codes, classes, single, end, start_p, trans_p, emit_p, back, starts)
        first = end


@njit(nogil=True)
def _best_path(  # type: ignore[no-untyped-def]
    codes, first, end, numbers, slots, weights, nodes, root_weights, unknown, score, best, characters
):
    """Write the best path's score and first step from each place of a run, and the characters' numbers."""
    length = end - first
    last = len(slots) // 2 - 1
    score[length] = 0.0
    for place in range(length - 1, -1, -1):
        character = numbers[codes[first + place]]
        characters[place] = character
        weight = root_weights[character]
        value = (weight if weight != NO_WORD else unknown) + score[place + 1]
        # A word that begins here gives way to a longer one of the same score; a character that is none, to any word.
        known = weight != NO_WORD
        step = 1
        node = np.int64(nodes[character])
        after = place + 1
        while node >= 0 and after < length:
            slot = _find(slots, last, node, characters[after])
            if slot < 0:
                break
            node = slots[2 * slot] & _CHILD_MASK
            weight = weights[2 * slot + 1]
            after += 1
            if weight != NO_WORD:
                candidate = weight + score[after]
                if not known or candidate >= value:
                    value = candidate
                    step = after - place
                    known = True
        score[place] = value
        best[place] = step


@njit(nogil=True)
def _is_word(characters, first, end, slots, weights):  # type: ignore[no-untyped-def]
    last = len(slots) // 2 - 1
    node = np.int64(_ROOT)
    slot = np.int64(-1)
    for place in range(first, end):
        slot = _find(slots, last, node, characters[place])
        if slot < 0:
            return False
        node = slots[2 * slot] & _CHILD_MASK
    return weights[2 * slot + 1] != NO_WORD


@njit(nogil=True)
def mark_unknown_spans(codes, classes, spans, start_p, trans_p, emit_p, starts):  # type: ignore[no-untyped-def]
    """Cut each of the spans (n, 2) of characters that are no dictionary words."""
    longest = 1
    for row in range(len(spans)):
        longest = max(longest, spans[row, 1] - spans[row, 0])
    back = np.empty((longest, 4), np.int8)
    for row in range(len(spans)):
        mark_unknown(codes, classes, spans[row, 0], spans[row, 1], start_p, trans_p, emit_p, back, starts)


@njit(nogil=True)
def mark_unknown(codes, classes, first, end, start_p, trans_p, emit_p, back, starts):  # type: ignore[no-untyped-def]
    """Cut characters that are no dictionary words: Han by the hidden Markov model, the rest by jieba's pattern
    ``[a-zA-Z0-9]+(?:\\.\\d+)?%?``, signs between its matches together."""
    place = first
    while place < end:
        stop = place
        if classes[place] == HAN:
            while stop < end and classes[stop] == HAN:
                stop += 1
            _viterbi(codes, place, stop, start_p, trans_p, emit_p, back, starts)
        elif classes[place] == LETTER or classes[place] == DIGIT:
            while stop < end and (classes[stop] == LETTER or classes[stop] == DIGIT):
                stop += 1
            if stop + 1 < end and classes[stop] == POINT and classes[stop + 1] == DIGIT:
                stop += 1
                while stop < end and classes[stop] == DIGIT:
                    stop += 1
            if stop < end and classes[stop] == PERCENT:
                stop += 1
            starts[place] = True
            starts[place + 1 : stop] = False
        else:
            while stop < end and (classes[stop] == POINT or classes[stop] == PERCENT or classes[stop] == SIGN):
                stop += 1
            starts[place] = True
            starts[place + 1 : stop] = False
        place = stop


@njit(nogil=True)
def _viterbi(codes, first, end, start_p, trans_p, emit_p, back, starts):  # type: ignore[no-untyped-def]
    old_b = start_p[B] + emit_p[B, codes[first]]
    old_e = start_p[E] + emit_p[E, codes[first]]
    old_m = start_p[M] + emit_p[M, codes[first]]
    old_s = start_p[S] + emit_p[S, codes[first]]
    for place in range(first + 1, end):
        code = codes[place]
        row = place - first
        # Each state has two states that may come before it; the later letter wins a tie.
        one, two = old_e + trans_p[E, B] + emit_p[B, code], old_s + trans_p[S, B] + emit_p[B, code]
        new_b = two if two >= one else one
        back[row, B] = S if two >= one else E
        one, two = old_b + trans_p[B, E] + emit_p[E, code], old_m + trans_p[M, E] + emit_p[E, code]
        new_e = two if two >= one else one
        back[row, E] = M if two >= one else B
        one, two = old_b + trans_p[B, M] + emit_p[M, code], old_m + trans_p[M, M] + emit_p[M, code]
        new_m = two if two >= one else one
        back[row, M] = M if two >= one else B
        one, two = old_e + trans_p[E, S] + emit_p[S, code], old_s + trans_p[S, S] + emit_p[S, code]
        new_s = two if two >= one else one
        back[row, S] = S if two >= one else E
        old_b, old_e, old_m, old_s = new_b, new_e, new_m, new_s
    state = S if old_s >= old_e else E
    for place in range(end - 1, first - 1, -1):
        starts[place] = state in (B, S)
        if place > first:
            state = back[place - first, state]
    # A path may begin inside a word only if the model forbids nothing; its first character begins one anyway.
    starts[first] = True
