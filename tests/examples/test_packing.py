"""Packing: every sentence once, in order, whole, and next to no padding."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from macbert.examples.packing import PAIR_SPECIALS, SINGLE_SPECIALS, PackedRows, pack


def random_items(seed: int, documents: int, longest: int, continued: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 12, documents)
    items = np.minimum(longest, np.maximum(1, rng.lognormal(3, 0.9, counts.sum()))).astype(np.int32)
    bounds = np.cumsum([0, *counts])
    later = np.ones(len(items), np.bool_)
    later[bounds[:-1][counts > 0]] = False
    items[later & (rng.random(len(items)) < continued)] *= -1
    return bounds, items


def slots(packed: PackedRows) -> np.ndarray:
    used = packed.piece_tokens + np.where(packed.piece_pairs, PAIR_SPECIALS, SINGLE_SPECIALS)
    return np.add.reduceat(used, packed.row_pieces[:-1])


@pytest.mark.parametrize("length", [8, 32, 128, 1000])
@pytest.mark.parametrize("open_documents", [1, 3, 256])
def test_every_sentence_is_packed_once_in_order_and_whole(length: int, open_documents: int) -> None:
    bounds, items = random_items(length, 300, length - 3, continued=0.1)
    packed = pack(bounds, items, length, open_documents)
    assert (slots(packed) <= length).all()
    assert (np.diff(packed.row_pieces) >= 1).all()
    for document, (first, last) in enumerate(pairwise(bounds)):
        mine = packed.piece_document == document
        order = np.argsort(packed.piece_start[mine])
        starts, tokens = packed.piece_start[mine][order], packed.piece_tokens[mine][order]
        ends = np.cumsum(abs(items[first:last]))
        assert np.array_equal(starts, np.concatenate([[0], np.cumsum(tokens)[:-1]])[: len(starts)])
        assert tokens.sum() == (ends[-1] if last > first else 0)
        assert set((starts + tokens).tolist()) <= set(ends.tolist())
        places = np.concatenate([[0], ends])
        for start, count, pair in zip(starts, tokens, packed.piece_pairs[mine][order], strict=True):
            low, high = np.searchsorted(places, [start, start + count]) + first
            assert pair == (high - low > 1)
            assert (items[low + 1 : high] > 0).all(), "a run goes over the cut of a long sentence"


@pytest.mark.parametrize(("length", "most"), [(512, 0.01), (128, 0.03)])
def test_padding_is_small_on_documents_of_usual_lengths(length: int, most: float) -> None:
    rng = np.random.default_rng(4)
    counts = np.maximum(1, rng.lognormal(2.2, 0.8, 20_000)).astype(int)
    items = np.clip(rng.lognormal(3.5, 0.6, counts.sum()), 2, length - 3).astype(np.int32)
    packed = pack(np.cumsum([0, *counts]), items, length)
    assert 1 - slots(packed).sum() / (length * (len(packed.row_pieces) - 1)) < most


def test_runs_of_two_and_more_sentences_are_preferred() -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(6, 20, 2000)
    items = rng.integers(5, 40, counts.sum()).astype(np.int32)
    assert pack(np.cumsum([0, *counts]), items, 128).piece_pairs.mean() > 0.9


def test_no_document_waits_for_ever() -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(1, 10, 5000)
    packed = pack(np.cumsum([0, *counts]), rng.integers(5, 100, counts.sum()).astype(np.int32), 128, 64)
    rows = np.repeat(np.arange(len(packed.row_pieces) - 1), np.diff(packed.row_pieces))
    last = np.zeros(5000, int)
    np.maximum.at(last, packed.piece_document, rows)
    first_row_of_later = np.minimum.accumulate(
        np.array([rows[packed.piece_document == d].min() for d in range(5000)])[::-1]
    )[::-1]
    # Each row begins with the document that waits longest, so one is done when those before it are: some 64 others.
    behind = last[: 5000 - 200] - first_row_of_later[200:]
    assert behind.max() <= 0


def test_nothing_packs_to_nothing() -> None:
    packed = pack(np.zeros(1, np.int64), np.zeros(0, np.int32), 64)
    assert len(packed.row_pieces) == 1
    assert len(packed.piece_tokens) == 0
