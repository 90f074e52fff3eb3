"""Rows with equal keys, found in parts so that memory stays under a limit while the keys lie on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

_BYTES_A_ROW = 40  # key, row number, sort order and the two gathered copies


def equal_key_groups(
    read: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]], rows: int, memory: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (members, starts): row numbers ordered by key and where each group of two or more begins and the last ends.

    Args:
        read: gives (keys uint64, row numbers int64) block by block; called once for each part.
        rows: how many rows there are about.
        memory: bytes to stay under; more parts are made (by the keys' upper bits), the results are the same.
    """
    parts = 1
    while rows * _BYTES_A_ROW > memory * parts and parts < 1 << 16:
        parts *= 2
    shift = np.uint64(64 - parts.bit_length() + 1)
    for part in range(parts):
        keys, numbers = [], []
        for block_keys, block_numbers in read():
            if parts > 1:
                inside = (block_keys >> shift) == part
                block_keys, block_numbers = block_keys[inside], block_numbers[inside]
            keys.append(block_keys)
            numbers.append(block_numbers)
        yield _groups(np.concatenate(keys), np.concatenate(numbers))


def _groups(keys: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(keys):
        return numbers, np.zeros(1, dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same_as_before = np.concatenate([[False], ordered[1:] == ordered[:-1]])
    same_as_next = np.concatenate([same_as_before[1:], [False]])
    inside = same_as_before | same_as_next
    members = numbers[order[inside]]
    starts = np.flatnonzero(~same_as_before[inside])
    return members, np.concatenate([starts, [len(members)]]).astype(np.int64)


def blocks_of(
    arrays: Sequence[np.ndarray], first_rows: Sequence[int], column: int, alive: np.ndarray | None = None
) -> Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Return a ``read`` for :func:`equal_key_groups` over one column of several files' arrays, of the rows alive."""

    def read() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for array, first in zip(arrays, first_rows, strict=True):
            for start in range(0, len(array), 1 << 18):
                keys = np.ascontiguousarray(array[start : start + (1 << 18), column])
                numbers = np.arange(first + start, first + start + len(keys), dtype=np.int64)
                if alive is not None:
                    here = alive[numbers]
                    keys, numbers = keys[here], numbers[here]
                yield keys, numbers

    return read
