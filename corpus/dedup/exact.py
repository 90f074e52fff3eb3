"""Documents with equal text, found by their 128-bit hashes."""

from __future__ import annotations

import numpy as np


def first_of_each(keys: np.ndarray) -> np.ndarray:
    """Return for each row the number of the first row with the same key.

    Args:
        keys: (rows, columns) uint64.

    Returns:
        (rows,) int64; a row that gets its own number is the first of its kind.

    >>> first_of_each(np.array([[1, 1], [2, 1], [1, 1]], dtype=np.uint64)).tolist()
    [0, 1, 0]
    """
    rows = len(keys)
    first = np.arange(rows, dtype=np.int64)
    if rows < 2:
        return first
    order = np.lexsort((first, *keys.T[::-1]))
    ordered = keys[order]
    starts = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    group_first = order[starts][np.cumsum(starts) - 1]
    first[order] = group_first
    return first


def occurrence(keys: np.ndarray) -> np.ndarray:
    """Return for each key how many equal keys stand before it: 0 for a first one, 1 for a second.

    >>> occurrence(np.array([7, 8, 7, 7])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)]
    begin = np.flatnonzero(starts)[np.cumsum(starts) - 1]
    number = np.empty(len(keys), dtype=np.int64)
    number[order] = np.arange(len(keys)) - begin
    return number
