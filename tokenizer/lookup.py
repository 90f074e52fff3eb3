"""Encoding by look-up: what a character or a run of characters becomes is learnt once and then found in tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tokenizer.ascii_pieces import AsciiPieces
from tokenizer.lookup_kernel import (
    DONE,
    FULL,
    NEW_CHARACTERS,
    UNICODE_SIZE,
    empty_words,
    encode_text,
    encode_texts,
    kernel_tables,
)
from tokenizer.run_table import RunTable
from tokenizer.wordpiece import PLAIN, UNSEEN, CharacterClasses

# Runs of Latin letters repeat; beyond this many stored characters the cache starts again.
MAX_CACHED_CHARACTERS = 8_000_000

# Room for this many tokens is kept between calls: 20 bytes each.
MAX_ROOM = 1_000_000

# A ready dtype: numpy takes as long to look up np.int32 as to make a short array.
_INT32 = np.dtype(np.int32)


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
        plain = np.flatnonzero(pieces.columns >= 0)
        self._table[plain] = PLAIN - pieces.columns[plain]
        self._runs = RunTable()
        self._words = empty_words()
        self._tables = kernel_tables(self._table, pieces, self._runs, self._words)
        self._room: list[_Room] = []

    def encode_one(self, code_points: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return ids (n,) and offsets (n, 2) of one text, given by its code points (N,)."""
        room = len(code_points) + 8
        ids, offsets = np.empty(room, _INT32), np.empty((room, 2), _INT32)
        count = encode_text(code_points, self._tables, ids, offsets)
        if count < 0:
            ids, offsets, _ = self.encode(code_points, np.array([0, len(code_points)]))
            return ids, offsets
        if count * 2 < room:  # do not keep twice the memory
            return ids[:count].copy(), offsets[:count].copy()
        return ids[:count], offsets[:count]

    def encode(
        self, code_points: NDArray[np.uint32], bounds: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """Return ids (n,), offsets (n, 2) into each text, and token bounds (texts + 1,).

        Args:
            code_points: (N,) of all texts, one after another.
            bounds: (texts + 1,): text t is ``code_points[bounds[t]:bounds[t + 1]]``.
        """
        # Room is kept between calls: fresh memory is fetched from the system page by page, as slow as the kernel. A
        # thread takes it out of the list while it works.
        tokens = len(code_points) + 16
        room = _taken(self._room) or _Room(tokens)
        while True:
            if len(room.ids) < tokens:
                room = _Room(tokens)
            token_bounds = np.zeros(len(bounds), np.int64)
            state, found = encode_texts(
                code_points, bounds, self._tables, room.ids, room.offsets, token_bounds, room.new
            )
            if state == DONE:
                parts = room.ids[:found].copy(), room.offsets[:found].copy(), token_bounds
                if tokens <= MAX_ROOM and not self._room:
                    self._room.append(room)
                return parts
            if state == FULL:
                tokens = 2 * len(room.ids)
            elif state == NEW_CHARACTERS:
                self._learn_characters(code_points)
            else:
                self._learn_runs(code_points, room.new[: 2 * found].reshape(-1, 2))

    def _learn_characters(self, code_points: NDArray[np.uint32]) -> None:
        unseen = np.unique(code_points[self._table[code_points] == UNSEEN])
        self._table[unseen] = [self._classes(int(code)) for code in unseen]

    def _learn_runs(self, code_points: NDArray[np.uint32], spans: NDArray[np.int64]) -> None:
        runs = dict.fromkeys(_text(code_points[start:end]) for start, end in spans)
        # Twice a call's own size: after forgetting, the call's runs are learnt again and must all fit.
        if self._runs.key_count + sum(map(len, runs)) > max(MAX_CACHED_CHARACTERS, 2 * len(code_points)):
            self._runs = RunTable()
        self._runs.add(list(runs), [self._encode_run(run) for run in runs])
        self._tables = kernel_tables(self._table, self._pieces, self._runs, self._words)


class _Room:
    """Arrays that the kernel writes into: ids, offsets, and the places of new runs."""

    def __init__(self, tokens: int) -> None:
        self.ids, self.offsets = np.empty(tokens, np.int32), np.empty((tokens, 2), np.int32)
        self.new = np.empty(tokens, np.int64)


def _taken(rooms: list[_Room]) -> _Room | None:
    try:
        return rooms.pop()
    except IndexError:
        return None


def _text(code_points: NDArray[np.uint32]) -> str:
    return code_points.tobytes().decode("utf-32-le")
