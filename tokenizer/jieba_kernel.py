"""jieba's algorithm in compiled code: the best path through the dictionary, then a hidden Markov model for the rest.

Every number and every order of additions is jieba's (0.42.1), so the boundaries are too, ties included; the only
difference is speed. Why not rjieba alone: its hidden Markov model has rounded probabilities, which decide otherwise
where two paths are within 1e-6 (常|在|此 and 常在|此 differ by 1.5e-7).
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Classes of a character (what jieba's patterns tell apart).
OUTSIDE, HAN, LETTER, DIGIT, POINT, PERCENT, SIGN = range(7)

# States of the hidden Markov model, in the order of their letters: jieba breaks ties by the larger letter.
B, E, M, S = range(4)

NO_WORD = -1.0
ROOT = 0
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def _find(keys, children, parent, code):  # type: ignore[no-untyped-def]
    key = (np.int64(parent) << 21) | np.int64(code)
    last = len(keys) - 1
    slot = np.int64((np.uint64(key) * _MULTIPLIER) >> np.uint64(40)) & last
    while keys[slot] != -1:
        if keys[slot] == key:
            return children[slot]
        slot = (slot + 1) & last
    return -1


@njit(cache=True, nogil=True)
def add_words(keys, children, roots, logs, nodes, codes, ends, values):  # type: ignore[no-untyped-def]
    """Add words to the trie and return its number of nodes; a later value of the same word replaces the earlier."""
    last = len(keys) - 1
    for word in range(len(ends) - 1):
        node = ROOT
        for place in range(ends[word], ends[word + 1]):
            key = (np.int64(node) << 21) | np.int64(codes[place])
            slot = np.int64((np.uint64(key) * _MULTIPLIER) >> np.uint64(40)) & last
            while keys[slot] != -1 and keys[slot] != key:
                slot = (slot + 1) & last
            if keys[slot] == -1:
                keys[slot] = key
                children[slot] = nodes
                if node == ROOT:
                    roots[codes[place]] = nodes
                nodes += 1
            node = children[slot]
        logs[node] = values[word]
    return nodes


@njit(cache=True, nogil=True)
def mark_words(  # type: ignore[no-untyped-def]
    codes, classes, keys, children, roots, logs, log_total, log_one, start_p, trans_p, emit_p, starts
):
    """Set ``starts`` (N,) to True where jieba's words begin; ``classes`` (N,) tells where its patterns cut."""
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
    best = np.empty(longest + 1, np.int64)
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
        _best_path(codes, first, end, keys, children, roots, logs, log_total, log_one, score, best)
        place = first
        single = first  # single characters since here wait for the hidden Markov model
        while place < end:
            after = place + best[place - first]
            starts[place] = True
            if after - place > 1:
                if place - single > 1 and not _is_word(codes, single, place, keys, children, roots, logs):
                    mark_unknown(codes, classes, single, place, start_p, trans_p, emit_p, back, starts)
                single = after
            place = after
        if end - single > 1 and not _is_word(codes, single, end, keys, children, roots, logs):
            mark_unknown(codes, classes, single, end, start_p, trans_p, emit_p, back, starts)
        first = end


@njit(cache=True, nogil=True)
def _best_path(  # type: ignore[no-untyped-def]
    codes, first, end, keys, children, roots, logs, log_total, log_one, score, best
):
    length = end - first
    score[length] = 0.0
    for place in range(length - 1, -1, -1):
        found = False
        value = 0.0
        step = 1
        node = roots[codes[first + place]]
        after = place + 1
        while node >= 0:
            if logs[node] != NO_WORD:
                candidate = logs[node] - log_total + score[after]
                if not found or candidate >= value:
                    value = candidate
                    step = after - place
                    found = True
            if after == length:
                break
            node = _find(keys, children, node, codes[first + after])
            after += 1
        if not found:
            value = log_one - log_total + score[place + 1]
            step = 1
        score[place] = value
        best[place] = step


@njit(cache=True, nogil=True)
def _is_word(codes, first, end, keys, children, roots, logs):  # type: ignore[no-untyped-def]
    node = roots[codes[first]]
    place = first + 1
    while node >= 0 and place < end:
        node = _find(keys, children, node, codes[place])
        place += 1
    return node >= 0 and logs[node] != NO_WORD


@njit(cache=True, nogil=True)
def mark_unknown_spans(codes, classes, spans, start_p, trans_p, emit_p, starts):  # type: ignore[no-untyped-def]
    """Cut each of the spans (n, 2) of characters that are no dictionary words."""
    longest = 1
    for row in range(len(spans)):
        longest = max(longest, spans[row, 1] - spans[row, 0])
    back = np.empty((longest, 4), np.int8)
    for row in range(len(spans)):
        mark_unknown(codes, classes, spans[row, 0], spans[row, 1], start_p, trans_p, emit_p, back, starts)


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
