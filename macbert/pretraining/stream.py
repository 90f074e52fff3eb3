"""The stream of rows: which row of which corpus is number n, as a pure function, so that resuming is a seek."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

# Slots of one mixing block: a corpus's weight is rounded to 1/1024 of the rows.
MIXING_BLOCK = 1024

_PADDING = {"masked_labels": -100, "sop_labels": -100}


class Examples(Protocol):
    """What the stream needs of a corpus (``macbert.examples.PretrainingExamples``)."""

    num_rows: int
    """Rows of one epoch."""

    def batch(self, epoch: int, numbers: Sequence[int]) -> dict[str, np.ndarray]:
        """Return rows by their places in an epoch's order, masked."""


@dataclass(frozen=True)
class Place:
    """Where a row of the stream comes from."""

    corpus: int
    epoch: int
    number: int


class ExampleStream:
    """An endless, seekable mixture of corpora.

    In every block of 1,024 rows each corpus has a fixed number of slots, by its weight; their order is a keyed
    permutation of (seed, block). Row n of the stream is found without looking at the rows before it.

    Args:
        corpora: the corpora, in the order of ``--data``.
        weights: shares of rows, any scale; None mixes by size.
        seed: of the order of slots.
    """

    def __init__(self, corpora: Sequence[Examples], weights: Sequence[float] | None = None, seed: int = 0) -> None:
        assert corpora
        assert all(corpus.num_rows > 0 for corpus in corpora)
        self.corpora = tuple(corpora)
        self.seed = seed
        self.rows_per_epoch = sum(corpus.num_rows for corpus in corpora)
        shares = np.asarray(weights if weights is not None else [corpus.num_rows for corpus in corpora], float)
        self.slots = _slots(shares / shares.sum())

    def place(self, number: int) -> Place:
        """Return the corpus, the epoch of that corpus and the number inside its epoch of row ``number``."""
        if len(self.corpora) == 1:
            return Place(0, *divmod(number, self.corpora[0].num_rows))
        block, slot = divmod(number, MIXING_BLOCK)
        order = self._block_order(block)
        corpus = int(order[slot])
        before = block * int(self.slots[corpus]) + int(np.count_nonzero(order[:slot] == corpus))
        return Place(corpus, *divmod(before, self.corpora[corpus].num_rows))

    def batch(self, numbers: Sequence[int]) -> dict[str, np.ndarray]:
        """Return rows of the stream, stacked in the order asked for; ``sources`` (rows, 1) says whose each is."""
        places = [self.place(number) for number in numbers]
        groups: dict[tuple[int, int], list[int]] = {}
        for index, place in enumerate(places):
            groups.setdefault((place.corpus, place.epoch), []).append(index)
        parts = [
            (indices, self.corpora[corpus].batch(epoch, [places[index].number for index in indices]))
            for (corpus, epoch), indices in groups.items()
        ]
        batch = parts[0][1] if len(parts) == 1 else _interleave(parts, len(places))
        return {**batch, "sources": np.array([[place.corpus] for place in places])}

    def _block_order(self, block: int) -> np.ndarray:
        corpora = np.repeat(np.arange(len(self.slots)), self.slots)
        keys = _mix(np.arange(MIXING_BLOCK, dtype=np.uint64) ^ np.uint64(keyed_seed(self.seed, block)))
        return corpora[np.argsort(keys, kind="stable")]


def keyed_seed(*parts: int) -> int:
    """Return 64 well-mixed bits of some whole numbers, in order; the same on any machine.

    >>> keyed_seed(0, 1) == keyed_seed(1, 0)
    False
    """
    state = np.uint64(0)
    for part in parts:
        state = _mix(state ^ np.uint64(part))
    return int(state)


def _slots(shares: np.ndarray) -> np.ndarray:
    """Return the slots of each corpus in a block: at least one, the rest by largest remainder."""
    exact = shares * (MIXING_BLOCK - len(shares))
    slots = np.floor(exact).astype(np.int64)
    missing = MIXING_BLOCK - len(shares) - int(slots.sum())
    slots[np.argsort(slots - exact, kind="stable")[:missing]] += 1
    return slots + 1


def _mix(value: Any) -> Any:
    """Return a well-mixed 64-bit hash (the finaliser of splitmix64), element by element."""
    with np.errstate(over="ignore"):
        value = (value + np.uint64(0x9E3779B97F4A7C15)) & np.uint64(0xFFFFFFFFFFFFFFFF)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))


def _interleave(parts: list[tuple[list[int], dict[str, np.ndarray]]], rows: int) -> dict[str, np.ndarray]:
    """Return parts as one batch in stream order; a corpus with fewer pieces a row gets empty slots."""
    merged: dict[str, np.ndarray] = {}
    for name, first in parts[0][1].items():
        width = max(part[name].shape[1] for _, part in parts)
        whole = np.full((rows, width), _PADDING.get(name, 0), first.dtype)
        for indices, part in parts:
            whole[indices, : part[name].shape[1]] = part[name]
        merged[name] = whole
    return merged
