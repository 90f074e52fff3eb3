"""Documents with equal text, found by their 128-bit hashes, and ids that occur more than once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.dedup.groups import blocks_of, equal_key_groups

HIGH, LOW, ID, LENGTH = 0, 1, 2, 3
"""Columns of a file's ``keys.u64``: two halves of the text's hash, the id's hash, the text's characters."""


def exact_duplicates(keys: Sequence[np.ndarray], first_rows: Sequence[int], stays_as: np.ndarray, memory: int) -> None:
    """Write into ``stays_as`` for each duplicate the row of the document that stays: the one with the smallest id hash.

    An id's hash depends on nothing but the id, so the same document stays however the files are cut or ordered.

    Args:
        keys: each file's (rows, 4) uint64.
        first_rows: row in the whole corpus at which each file starts.
        stays_as: (rows,) int64, each row's own number at first.
        memory: bytes to stay under.
    """
    for members, starts in equal_key_groups(blocks_of(keys, first_rows, HIGH), len(stays_as), memory):
        values = gather_rows(keys, first_rows, members)
        group = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        order = np.lexsort((members, values[:, ID], values[:, LOW], group))
        group, low, rows = group[order], values[order, LOW], members[order]
        first = np.ones(len(rows), dtype=np.bool_)
        first[1:] = (group[1:] != group[:-1]) | (low[1:] != low[:-1])
        stays_as[rows] = rows[first][np.cumsum(first) - 1] if len(rows) else rows


def repeated_ids(keys: Sequence[np.ndarray], first_rows: Sequence[int], alive: np.ndarray, memory: int) -> np.ndarray:
    """Return for each row alive how many earlier rows alive have its id: 0 for a first one, 1 for a second."""
    number = np.zeros(len(alive), dtype=np.int32)
    for members, starts in equal_key_groups(blocks_of(keys, first_rows, ID, alive), len(alive), memory):
        group = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        number[members[np.lexsort((members, group))]] = np.arange(len(members)) - starts[:-1][group]
    return number


def gather_rows(arrays: Sequence[np.ndarray], first_rows: Sequence[int], numbers: np.ndarray) -> np.ndarray:
    """Return the rows of these numbers out of the files' arrays."""
    values = np.empty((len(numbers), arrays[0].shape[1]), dtype=np.uint64)
    for array, first in zip(arrays, first_rows, strict=True):
        here = (numbers >= first) & (numbers < first + len(array))
        values[here] = array[numbers[here] - first]
    return values
