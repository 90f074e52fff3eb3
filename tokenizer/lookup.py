"""Compiled encoding: one table look-up a Chinese character, steps through a table for plain letters and digits, one
hash look-up for any other run of characters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tokenizer.ascii_pieces import CONTINUED_ROOT, MAX_RUN_CHARACTERS, WORD_ROOT, AsciiPieces
from tokenizer.wordpiece import SPACE, UNSEEN, CharacterClasses

# What the kernel found besides tokens.
DONE, NEW_CHARACTERS, NEW_RUNS, FULL = 0, 1, 2, 3

# Runs of Latin letters repeat; beyond this many stored characters the cache starts again.
MAX_CACHED_CHARACTERS = 8_000_000

UNICODE_SIZE = 0x110000


class LookupEncoder:
    """Turns code points into token ids and offsets; it learns characters and runs as it meets them.

    Args:
        classes: says what a code point is (:class:`tokenizer.wordpiece.CharacterClasses`).
        pieces: WordPiece for runs of ASCII letters and digits.
        encode_run: token ids and offsets of any other run between spaces, Chinese characters and punctuation.
    """

    def __init__(
        self,
        classes: CharacterClasses,
        pieces: AsciiPieces,
        encode_run: Callable[[str], tuple[list[int], list[tuple[int, int]]]],
    ) -> None:
        self._classes = classes
        self._pieces = pieces
        self._encode_run = encode_run
        self._table = np.full(UNICODE_SIZE, UNSEEN, np.int32)
        self._runs = RunTable()

    def encode(
        self, code_points: NDArray[np.uint32], bounds: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """Return ids (n,), offsets (n, 2) into each text, and token bounds (texts + 1,).

        Args:
            code_points: (N,) of all texts, one after another.
            bounds: (texts + 1,): text t is ``code_points[bounds[t]:bounds[t + 1]]``.
        """
        room = len(code_points) + 16
        while True:
            ids = np.empty(room, np.int32)
            offsets = np.empty((room, 2), np.int32)
            token_bounds = np.zeros(len(bounds), np.int64)
            new = np.empty((len(code_points) // 2 + len(bounds), 2), np.int64)
            state, found = _encode(
                code_points,
                bounds,
                self._table,
                self._pieces.columns,
                self._pieces.steps,
                self._pieces.tokens,
                self._pieces.unknown,
                self._runs.slots,
                self._runs.keys,
                self._runs.key_ends,
                self._runs.values,
                self._runs.value_ends,
                ids,
                offsets,
                token_bounds,
                new,
            )
            if state == DONE:
                return ids[:found].copy(), offsets[:found].copy(), token_bounds
            if state == FULL:
                room *= 2
            elif state == NEW_CHARACTERS:
                self._learn_characters(code_points)
            else:
                self._learn_runs(code_points, new[:found])

    def _learn_characters(self, code_points: NDArray[np.uint32]) -> None:
        unseen = np.unique(code_points[self._table[code_points] == UNSEEN])
        self._table[unseen] = [self._classes(int(code)) for code in unseen]

    def _learn_runs(self, code_points: NDArray[np.uint32], spans: NDArray[np.int64]) -> None:
        runs = dict.fromkeys(_text(code_points[start:end]) for start, end in spans)
        # Twice a call's own size: after forgetting, the call's runs are learnt again and must all fit.
        if self._runs.key_count + sum(map(len, runs)) > max(MAX_CACHED_CHARACTERS, 2 * len(code_points)):
            self._runs = RunTable()
        self._runs.add(list(runs), [self._encode_run(run) for run in runs])


class RunTable:
    """A growing hash table from runs of characters to their tokens, in flat arrays that compiled code reads."""

    def __init__(self) -> None:
        self.slots: NDArray[np.int64] = np.full(1 << 14, -1, np.int64)
        self.keys: NDArray[np.uint32] = np.empty(1 << 14, np.uint32)
        self.key_ends: NDArray[np.int64] = np.zeros(1 << 12, np.int64)
        self.values: NDArray[np.int32] = np.empty((1 << 13, 3), np.int32)
        self.value_ends: NDArray[np.int64] = np.zeros(1 << 12, np.int64)
        self.entries = self.key_count = self.value_count = 0

    def add(self, runs: list[str], found: list[tuple[list[int], list[tuple[int, int]]]]) -> None:
        """Store runs that are not there yet, each with its token ids and offsets."""
        keys = np.frombuffer("".join(runs).encode("utf-32-le"), np.uint32)
        key_ends = self.key_count + np.cumsum([len(run) for run in runs])
        values = np.empty((sum(len(ids) for ids, _ in found), 3), np.int32)
        values[:, 0] = [token for ids, _ in found for token in ids]
        values[:, 1:] = np.array([span for _, offsets in found for span in offsets], np.int32).reshape(-1, 2)
        value_ends = self.value_count + np.cumsum([len(ids) for ids, _ in found])
        self.keys = _appended(self.keys, self.key_count, keys)
        self.values = _appended(self.values, self.value_count, values)
        self.key_ends = _appended(self.key_ends, self.entries + 1, key_ends)
        self.value_ends = _appended(self.value_ends, self.entries + 1, value_ends)
        self.key_count += len(keys)
        self.value_count += len(values)
        first = self.entries
        self.entries += len(runs)
        if self.entries * 2 > len(self.slots):
            self.slots = np.full(1 << (4 * self.entries).bit_length(), -1, np.int64)
            first = 0
        _insert(self.slots, self.keys, self.key_ends, first, self.entries)


def _text(code_points: NDArray[np.uint32]) -> str:
    return code_points.tobytes().decode("utf-32-le")


def _appended(array: NDArray, used: int, more: NDArray) -> NDArray:
    if used + len(more) > len(array):
        grown = np.zeros((max(2 * len(array), used + len(more)), *array.shape[1:]), array.dtype)
        grown[:used] = array[:used]
        array = grown
    array[used : used + len(more)] = more
    return array


# FNV-1a over code points, 64 bit, then a final mix: low bits of short keys must differ.
_FNV_START = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)
_SHIFT = np.uint64(29)


@njit(cache=True, nogil=True)
def _insert(slots, keys, key_ends, first, end):  # type: ignore[no-untyped-def]
    for entry in range(first, end):
        code = _FNV_START
        for place in range(key_ends[entry], key_ends[entry + 1]):
            code = (code ^ np.uint64(keys[place])) * _FNV_PRIME
        slot = np.int64((code ^ (code >> _SHIFT)) & np.uint64(len(slots) - 1))
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = entry


@njit(cache=True, nogil=True)
def _encode_plain(  # type: ignore[no-untyped-def]
    code_points, start, end, first, columns, steps, tokens, unknown, ids, offsets, count
):
    """Write the pieces of a run of letters and digits, longest first; return how many."""
    pieces = 0
    begin = start
    whole = end - start <= MAX_RUN_CHARACTERS
    while begin < end and whole:
        node = WORD_ROOT if begin == start else CONTINUED_ROOT
        token = -1
        after = begin
        for place in range(begin, end):
            node = steps[node, columns[code_points[place]]]
            if node < 0:
                break
            if tokens[node] >= 0:
                token = tokens[node]
                after = place + 1
        if token < 0:
            whole = False
            break
        ids[count + pieces] = token
        offsets[count + pieces, 0] = begin - first
        offsets[count + pieces, 1] = after - first
        pieces += 1
        begin = after
    if whole:
        return pieces
    ids[count] = unknown
    offsets[count, 0] = start - first
    offsets[count, 1] = end - first
    return 1


@njit(cache=True, nogil=True)
def _encode(  # type: ignore[no-untyped-def]
    code_points,
    bounds,
    table,
    columns,
    steps,
    tokens,
    unknown,
    slots,
    keys,
    key_ends,
    values,
    value_ends,
    ids,
    offsets,
    token_bounds,
    new,
):
    count = 0
    missed = 0
    room = len(ids)
    last_slot = len(slots) - 1
    for text in range(len(bounds) - 1):
        first, end = bounds[text], bounds[text + 1]
        place = first
        while place < end:
            token = table[code_points[place]]
            if token >= 0:
                if count >= room:
                    return FULL, 0
                ids[count] = token
                offsets[count, 0] = place - first
                offsets[count, 1] = place - first + 1
                count += 1
                place += 1
                continue
            if token == SPACE:
                place += 1
                continue
            start = place
            code = _FNV_START
            plain = True
            while token == -1:
                point = code_points[place]
                plain = plain and point < 128 and columns[point] >= 0
                code = (code ^ np.uint64(point)) * _FNV_PRIME
                place += 1
                if place == end:
                    break
                token = table[code_points[place]]
            if token == UNSEEN:
                return NEW_CHARACTERS, 0
            length = place - start
            if plain:
                if count + length > room:
                    return FULL, 0
                count += _encode_plain(
                    code_points, start, place, first, columns, steps, tokens, unknown, ids, offsets, count
                )
                continue
            slot = np.int64((code ^ (code >> _SHIFT)) & np.uint64(last_slot))
            entry = slots[slot]
            while entry >= 0:
                key = key_ends[entry]
                if key_ends[entry + 1] - key == length:
                    same = True
                    for step in range(length):
                        if keys[key + step] != code_points[start + step]:
                            same = False
                            break
                    if same:
                        break
                slot = (slot + 1) & last_slot
                entry = slots[slot]
            if entry < 0:
                new[missed, 0] = start
                new[missed, 1] = place
                missed += 1
                continue
            for value in range(value_ends[entry], value_ends[entry + 1]):
                if count >= room:
                    return FULL, 0
                ids[count] = values[value, 0]
                offsets[count, 0] = values[value, 1] + start - first
                offsets[count, 1] = values[value, 2] + start - first
                count += 1
        token_bounds[text + 1] = count
    if missed:
        return NEW_RUNS, missed
    return DONE, count
