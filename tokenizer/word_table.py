"""Numbers and counts the words of encoded texts, a word being the token ids from one word start to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit

# URLs and code make longer "words", each seen once; they would fill the table and are never drawn.
MAX_WORD_TOKENS = 16

NO_WORD = -1


class WordTable:
    """Words by number, in order of first occurrence.

    Attributes:
        counts: (W,) int64 occurrences.
        ids: flat int32 token ids; word w is ``ids[offsets[w]:offsets[w + 1]]``.
        offsets: (W + 1,) int64.
    """

    def __init__(self) -> None:
        self._slots = np.full(1 << 16, -1, np.int64)
        self._keys = np.empty(1 << 17, np.int32)
        self._ends = np.zeros((1 << 15) + 1, np.int64)
        self._counts = np.zeros(1 << 15, np.int64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def counts(self) -> NDArray[np.int64]:
        """(W,) int64: occurrences of each word."""
        return self._counts[: self._size]

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(W + 1,) int64: word w is ``ids[offsets[w]:offsets[w + 1]]``."""
        return self._ends[: self._size + 1]

    @property
    def ids(self) -> NDArray[np.int32]:
        """Flat int32 token ids of all words."""
        return self._keys[: self._ends[self._size]]

    def add(self, input_ids: NDArray[np.int32], word_starts: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Count the words and return their numbers in order; words of more than 16 tokens get ``NO_WORD``.

        Args:
            input_ids: (N,) tokens.
            word_starts: (N,) True at the first token of a word; the first token of every text must be True.
        """
        first = np.flatnonzero(word_starts)
        bounds = np.append(first, len(input_ids))
        numbers = np.empty(len(first), np.int32)
        done = 0
        while done < len(first):
            self._make_room()
            done, self._size = _number_words(
                input_ids, bounds, done, self._slots, self._keys, self._ends, self._counts, self._size, numbers
            )
        return numbers

    def merge(self, ids: NDArray[np.int32], offsets: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Add the words of another table with their counts."""
        starts = np.zeros(len(ids), np.bool_)
        starts[offsets[:-1]] = True
        numbers = self.add(ids, starts)
        np.add.at(self._counts, numbers, counts - 1)

    def _make_room(self) -> None:
        if self._size * 2 >= len(self._counts):
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
            self._ends = np.concatenate([self._ends, np.zeros(len(self._ends) - 1, np.int64)])
            self._slots = np.full(len(self._slots) * 2, -1, np.int64)
            _insert_words(self._slots, self._keys, self._ends, self._size)
        if self._ends[self._size] * 2 >= len(self._keys):
            self._keys = np.concatenate([self._keys, np.empty_like(self._keys)])


def flatten(words: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the flat ids and the offsets (W + 1,) of words given as lists of ids."""
    offsets = np.zeros(len(words) + 1, np.int64)
    np.cumsum([len(word) for word in words], out=offsets[1:])
    return np.array([number for word in words for number in word], np.int32), offsets


_START = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_SHIFT = np.uint64(29)


@njit(nogil=True)
def _hash(keys, start, end):  # type: ignore[no-untyped-def]
    code = _START
    for place in range(start, end):
        code = (code ^ np.uint64(keys[place])) * _PRIME
    return code ^ (code >> _SHIFT)


@njit(nogil=True)
def _insert_words(slots, keys, ends, size):  # type: ignore[no-untyped-def]
    last = np.uint64(len(slots) - 1)
    for word in range(size):
        slot = np.int64(_hash(keys, ends[word], ends[word + 1]) & last)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = word


@njit(nogil=True)
def _number_words(input_ids, bounds, done, slots, keys, ends, counts, size, numbers):  # type: ignore[no-untyped-def]
    last = np.uint64(len(slots) - 1)
    while done < len(bounds) - 1:
        start, end = bounds[done], bounds[done + 1]
        length = end - start
        if length > MAX_WORD_TOKENS:
            numbers[done] = NO_WORD
            done += 1
            continue
        slot = np.int64(_hash(input_ids, start, end) & last)
        word = slots[slot]
        while word >= 0:
            key = ends[word]
            if ends[word + 1] - key == length:
                same = True
                for step in range(length):
                    if keys[key + step] != input_ids[start + step]:
                        same = False
                        break
                if same:
                    break
            slot = (slot + 1) & (len(slots) - 1)
            word = slots[slot]
        if word < 0:
            if size == len(counts) or ends[size] + length > len(keys):
                break
            word = size
            slots[slot] = word
            for step in range(length):
                keys[ends[size] + step] = input_ids[start + step]
            ends[size + 1] = ends[size] + length
            counts[word] = 0
            size += 1
        counts[word] += 1
        numbers[done] = word
        done += 1
    return done, size
