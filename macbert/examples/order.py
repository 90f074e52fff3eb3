"""The order of rows in an epoch: a keyed permutation, so that the n-th row is found without a stored shuffle.

Rows are shuffled as blocks of neighbours, many blocks at a time: rows packed one after another lie close on disk, so a
window of blocks is read from the disk once, in long stretches, and then from memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from macbert.masking.draws import ORDER, draw, mix, row_key

# Rows that stay together when blocks are shuffled: about a megabyte of tokens at length 128.
BLOCK_ROWS = 4096

# Blocks that are mixed row by row: a set of fewer rows than 256 * 4096 (a million) is shuffled as a whole.
WINDOW_BLOCKS = 256

# Luby and Rackoff (1988): four rounds of a Feistel network make a pseudo-random permutation; six for small domains.
_ROUNDS = 6


def order_rows(seed: int, epoch: int, numbers: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """Return the row at each place of an epoch's order, (B,) int64; places 0 to rows - 1 give every row once.

    >>> sorted(order_rows(0, 3, np.arange(5), 5).tolist())
    [0, 1, 2, 3, 4]
    """
    return _order_rows(seed, epoch, numbers, rows, BLOCK_ROWS, WINDOW_BLOCKS)


@njit(nogil=True)
def permute(key, place, size):  # type: ignore[no-untyped-def]
    """Return where a permutation of range(size), given by its key, sends a place."""
    if size < 2:
        return place
    half_bits = 1
    while 1 << (2 * half_bits) < size:
        half_bits += 1
    half = np.uint64(half_bits)
    mask = (np.uint64(1) << half) - np.uint64(1)
    value = np.uint64(place)
    # Cycle-walking: the network permutes a power of four; values beyond the size go through it again, 4 times at most
    # on average.
    while True:
        left, right = value >> half, value & mask
        for step in range(_ROUNDS):
            left, right = right, left ^ (mix(right + draw(key, step)) & mask)
        value = (left << half) | right
        if value < np.uint64(size):
            return np.int64(value)


@njit(nogil=True)
def _order_rows(seed, epoch, numbers, rows, block_rows, window_blocks):  # type: ignore[no-untyped-def]
    blocks_key, rows_key = row_key(seed, epoch, 0, ORDER), row_key(seed, epoch, 1, ORDER)
    blocks = rows // block_rows
    # The rows are a ring turned by a random amount, so that the ones beyond the last whole block are others each epoch.
    turn = np.int64(draw(row_key(seed, epoch, 2, ORDER), 0) % np.uint64(rows))
    window_rows = block_rows * window_blocks
    found = np.empty(len(numbers), np.int64)
    for place in range(len(numbers)):
        window = numbers[place] // window_rows
        first = window * window_rows
        inside = permute(mix(rows_key + np.uint64(window)), numbers[place] - first, min(window_rows, rows - first))
        block, row = (first + inside) // block_rows, (first + inside) % block_rows
        if block < blocks:
            block = permute(blocks_key, block, blocks)
        found[place] = (block * block_rows + row + turn) % rows
    return found
