"""The keyed order of rows is a permutation, another in each epoch, and reads neighbours together."""

from __future__ import annotations

import numpy as np
import pytest

from macbert.examples.order import _order_rows, order_rows


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 64, 1000, 4097, 100_003])
def test_every_row_comes_once_in_an_epoch(rows: int) -> None:
    for epoch in (0, 1, 10**12):
        assert np.array_equal(np.sort(order_rows(7, epoch, np.arange(rows), rows)), np.arange(rows))


@pytest.mark.parametrize(("block", "window"), [(4, 3), (16, 2), (7, 100)])
def test_every_row_comes_once_when_blocks_are_shuffled_in_windows(block: int, window: int) -> None:
    for rows in range(1, 200):
        assert np.array_equal(np.sort(_order_rows(1, 2, np.arange(rows), rows, block, window)), np.arange(rows))


def test_a_place_is_found_without_those_before_it() -> None:
    whole = order_rows(3, 1, np.arange(5000), 5000)
    assert all(order_rows(3, 1, np.array([place]), 5000)[0] == whole[place] for place in range(0, 5000, 97))


def test_seeds_and_epochs_give_different_orders() -> None:
    orders = {order_rows(seed, epoch, np.arange(100), 100).tobytes() for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_each_row_falls_on_each_place_equally_often() -> None:
    rows, epochs = 10, 20_000
    counts = np.zeros((rows, rows), int)
    for epoch in range(epochs):
        counts[np.arange(rows), order_rows(0, epoch, np.arange(rows), rows)] += 1
    # 100 cells of a binomial with p = 1/10: five standard deviations leave one false alarm in 10,000 runs.
    assert abs(counts / epochs - 0.1).max() < 5 * (0.1 * 0.9 / epochs) ** 0.5


def test_a_window_reads_whole_blocks() -> None:
    rows, block, window = 100_000, 100, 10
    order = _order_rows(0, 0, np.arange(rows), rows, block, window)
    for first in range(0, rows - 1000, 7000):
        # 1,000 places of one window are 10 blocks of 100 rows (two more where the turned ring begins and ends).
        start = first // 1000 * 1000
        assert len(np.unique(order[start : start + 1000] // block)) <= 2 * window
