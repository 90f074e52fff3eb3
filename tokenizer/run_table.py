"""A growing hash table from runs of characters to their tokens, in flat arrays that compiled code reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit


class RunTable:
    """Runs and their tokens.

    Attributes:
        slots: a power of two of int64: the entry whose hash leads here or to a slot before, -1 for none.
        keys: flat code points; entry e is ``keys[key_ends[e]:key_ends[e + 1]]``.
        key_ends: int64.
        values: flat (token id, start in the run, end in the run); entry e has those from ``value_ends[e]`` on.
        value_ends: int64.
    """

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


@njit(nogil=True, inline="always")
def slot_of(code_points, start, end, slots):  # type: ignore[no-untyped-def]
    """Return the slot, among so many, that the hash of a run leads to."""
    code = _FNV_START
    for place in range(start, end):
        code = (code ^ np.uint64(code_points[place])) * _FNV_PRIME
    return np.int64((code ^ (code >> _SHIFT)) & np.uint64(slots - 1))


@njit(nogil=True)
def _insert(slots, keys, key_ends, first, end):  # type: ignore[no-untyped-def]
    for entry in range(first, end):
        slot = slot_of(keys, key_ends[entry], key_ends[entry + 1], len(slots))
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = entry
