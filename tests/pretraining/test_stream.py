"""Row n of the stream is a pure function of n: of corpora, weights and seed alone."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from macbert.pretraining.batches import share_of
from macbert.pretraining.plan import StepShape
from macbert.pretraining.stream import MIXING_BLOCK, ExampleStream


def test_one_corpus_is_read_epoch_by_epoch(fake: ModuleType) -> None:
    stream = ExampleStream([fake.FakeExamples(50)])
    places = [stream.place(number) for number in (0, 49, 50, 149)]
    assert [(place.epoch, place.number) for place in places] == [(0, 0), (0, 49), (1, 0), (2, 49)]


def test_every_corpus_is_read_in_its_own_order_without_gap(fake: ModuleType) -> None:
    sizes = (70, 500, 3000)
    stream = ExampleStream([fake.FakeExamples(size) for size in sizes], weights=[5, 3, 2], seed=4)
    places = [stream.place(number) for number in range(3 * MIXING_BLOCK)]
    for corpus, size in enumerate(sizes):
        seen = [place.epoch * size + place.number for place in places if place.corpus == corpus]
        assert seen == list(range(len(seen)))


@pytest.mark.parametrize("weights", [[5, 3, 2], [0.01, 0.98, 0.01], [1e-9, 1, 1]])
def test_weights_are_kept_in_every_block(fake: ModuleType, weights: list[float]) -> None:
    stream = ExampleStream([fake.FakeExamples(10)] * 3, weights=weights)
    corpora = [stream.place(MIXING_BLOCK * 7 + slot).corpus for slot in range(MIXING_BLOCK)]
    counts = np.bincount(corpora, minlength=3)
    assert counts.sum() == MIXING_BLOCK
    # One slot is given to each before the rest is shared by weight, and the rest is rounded.
    assert np.all(np.abs(counts - np.array(weights) / sum(weights) * MIXING_BLOCK) <= 3)
    assert counts.min() >= 1


def test_without_weights_corpora_are_mixed_by_size(fake: ModuleType) -> None:
    stream = ExampleStream([fake.FakeExamples(100), fake.FakeExamples(300)])
    assert stream.slots.tolist() == pytest.approx([256, 768], abs=1)
    assert stream.rows_per_epoch == 400


def test_seeds_give_other_orders_and_equal_seeds_equal_ones(fake: ModuleType) -> None:
    corpora = [fake.FakeExamples(100), fake.FakeExamples(100)]
    orders = [[ExampleStream(corpora, seed=seed).place(n).corpus for n in range(200)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_a_batch_across_epochs_and_corpora_is_the_rows_one_by_one(fake: ModuleType) -> None:
    stream = ExampleStream([fake.FakeExamples(7, seed=1), fake.FakeExamples(5, seed=2)], weights=[1, 1])
    numbers = range(20, 44)
    together = stream.batch(numbers)
    for name, value in together.items():
        assert np.array_equal(value, np.concatenate([stream.batch([number])[name] for number in numbers])), name


def test_a_corpus_with_fewer_pieces_in_a_row_gets_empty_slots(fake: ModuleType) -> None:
    class Narrow(fake.FakeExamples):
        def batch(self, epoch: int, numbers: list[int]) -> dict[str, np.ndarray]:
            whole = super().batch(epoch, numbers)
            return {**whole, "cls_positions": whole["cls_positions"][:, :2], "sop_labels": whole["sop_labels"][:, :2]}

    stream = ExampleStream([fake.FakeExamples(7), Narrow(7)], weights=[1, 1])
    batch = stream.batch(range(16))
    assert batch["sop_labels"].shape == batch["cls_positions"].shape == (16, 3)
    narrow = [stream.place(number).corpus == 1 for number in range(16)]
    assert np.all(batch["sop_labels"][narrow, 2] == -100)


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_processes_share_a_step_without_overlap(world_size: int) -> None:
    shares = [share_of(StepShape(short=False, first=40, rows=8), rank, world_size) for rank in range(world_size)]
    assert [number for share in shares for number in share] == list(range(40, 48))
