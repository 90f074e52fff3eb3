"""The order of rows in an epoch: a keyed permutation, so that the n-th row is found without a stored shuffle.

Four rounds of a Feistel network make a pseudo-random permutation (Luby and Rackoff, 1988); six are taken for small
domains. Rows are shuffled as blocks of neighbours, many blocks at a time: rows packed one after another lie close on
disk, so a window of blocks is read from the disk once, in long stretches, and then from memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from macbert.masking.draws import ORDER, draw, epoch_key, mix, number_key

# Rows that stay together when blocks are shuffled: about a megabyte of tokens at length 128.
BLOCK_ROWS = 4096

# Blocks that are mixed row by row: a set of fewer rows than 256 * 4096 (a million) is shuffled as a whole.
WINDOW_BLOCKS = 256


def order_rows(seed: int, epoch: int, numbers: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """Return the row at each place of an epoch's order, (B,) int64; places 0 to rows - 1 give every row once.

    >>> sorted(order_rows(0, 3, np.arange(5), 5).tolist())
    [0, 1, 2, 3, 4]
    """
    return rows_in_order(seed, epoch, numbers, rows)


@njit(nogil=True)
def rows_in_order(seed, epoch, numbers, rows):  # type: ignore[no-untyped-def]
    """Return :func:`order_rows` to a kernel."""
    return _order_rows(seed, epoch, numbers, rows, BLOCK_ROWS, WINDOW_BLOCKS)


@njit(nogil=True)
def _order_rows(seed, epoch, numbers, rows, block_rows, window_blocks):  # type: ignore[no-untyped-def]
    common = epoch_key(seed, epoch, ORDER)
    blocks_key, rows_key = number_key(common, 0), number_key(common, 1)
    blocks = rows // block_rows
    # The rows are a ring turned by a random amount, so that the ones beyond the last whole block are others each epoch.
    turn = np.int64(draw(number_key(common, 2), 0) % np.uint64(rows))
    window_rows = block_rows * window_blocks
    block_rounds, row_rounds = _rounds(blocks_key), _rounds(rows_key)
    first, last = np.int64(0), np.int64(0)
    found = np.empty(len(numbers), np.int64)
    for place in range(len(numbers)):
        number = np.int64(numbers[place])
        if not first <= number < last:
            window = number // window_rows
            first, last = window * window_rows, min((window + 1) * window_rows, rows)
            row_rounds = _rounds(mix(rows_key + np.uint64(window)))
        inside = first + _permute(row_rounds, number - first, last - first)
        block = inside // block_rows
        row = inside - block * block_rows
        if block < blocks:
            block = _permute(block_rounds, block, blocks)
        row += block * block_rows + turn
        found[place] = row - rows if row >= rows else row
    return found


@njit(nogil=True)
def _rounds(key):  # type: ignore[no-untyped-def]
    """Return the keys of a permutation's rounds."""
    return (draw(key, 0), draw(key, 1), draw(key, 2), draw(key, 3), draw(key, 4), draw(key, 5))


@njit(nogil=True, inline="always")
def _permute(rounds, place, size):  # type: ignore[no-untyped-def]
    """Return where a permutation of range(size) sends a place: a Feistel network of six rounds."""
    half_bits = 1
    while 1 << (2 * half_bits) < size:
        half_bits += 1
    half = np.uint64(half_bits)
    mask = (np.uint64(1) << half) - np.uint64(1)
    value = np.uint64(place)
    # Cycle-walking: the network permutes a power of four; values beyond the size go through it again, 4 times at most
    # on average.
    while size > 1:
        left, right = value >> half, value & mask
        for key in rounds:
            left, right = right, left ^ (mix(right + key) & mask)
        value = (left << half) | right
        if value < np.uint64(size):
            break
    return np.int64(value)
