"""Documents that say nearly the same: candidates by MinHash bands, links by verified Jaccard, one stays of each kind.

Of a cluster (documents joined by links of verified similarity ``threshold``) the longest stays; each shorter one goes
if its similarity to a document that stays is ``cluster_threshold``, and stays itself if not. So every document dropped
is verified against the very one kept for it, a chain of small changes carries no cluster away, and the outcome depends
on the texts alone: neither on their order nor on who compared them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from corpus.compiling import njit
from corpus.dedup.groups import blocks_of, equal_key_groups
from corpus.dedup.minhash import _jaccard

MAX_COMPARED = 64
"""In a larger band group each document meets the 64 after it in a fixed order; such groups come from boilerplate."""


def candidate_rows(
    bands: Sequence[np.ndarray], first_rows: Sequence[int], alive: np.ndarray, memory: int
) -> np.ndarray:
    """Return (rows,) bool: which rows share any band key with another one.

    Args:
        bands: each file's (rows, B) uint64 band keys.
        first_rows: row in the whole corpus at which each file starts.
        alive: (rows,) bool, the rows that take part.
        memory: bytes to stay under.
    """
    found = np.zeros(len(alive), dtype=np.bool_)
    for column in range(bands[0].shape[1]):
        for members, _ in equal_key_groups(blocks_of(bands, first_rows, column, alive), int(alive.sum()), memory):
            found[members] = True
    return found


def link_clusters(
    bands: Sequence[np.ndarray],
    first_rows: Sequence[int],
    candidates: np.ndarray,
    shingles: np.ndarray,
    offsets: np.ndarray,
    rank: np.ndarray,
    threshold: float,
    cluster_threshold: float,
    memory: int,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each candidate who stays for it (its own position: it stays), their similarity, its cluster's best.

    Args:
        bands, first_rows, memory: as in :func:`candidate_rows`.
        candidates: (rows,) bool.
        shingles: sorted distinct shingle hashes of all candidates, one after the other, uint32.
        offsets: (candidates + 1,) int64, where each candidate's shingles begin.
        rank: (candidates,) int64, a fixed order of the candidates by their content, best first.
        threshold: least Jaccard similarity of a link.
        cluster_threshold: least Jaccard similarity of a document that goes to the one that stays for it.
    """
    position = np.cumsum(candidates) - 1
    parent = np.arange(len(rank), dtype=np.int64)
    columns = bands[0].shape[1]
    for column in range(columns):
        tell(column, columns)
        for members, starts in equal_key_groups(blocks_of(bands, first_rows, column, candidates), len(rank), memory):
            places = position[members]
            order = np.lexsort((rank[places], np.repeat(np.arange(len(starts) - 1), np.diff(starts))))
            _link(places[order], starts, shingles, offsets, parent, threshold)
    tell(columns, columns)
    roots = _roots(parent)
    stays_as, similarity = _choose(roots, rank, shingles, offsets, cluster_threshold)
    best = np.full(len(rank), len(rank), dtype=np.int64)
    np.minimum.at(best, roots, rank)
    return stays_as, similarity, np.argsort(rank)[best[roots]]


@njit()
def _root(parent: np.ndarray, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit()
def _roots(parent: np.ndarray) -> np.ndarray:
    roots = np.empty_like(parent)
    for node in range(parent.size):
        roots[node] = _root(parent, node)
    return roots


@njit()
def _link(
    places: np.ndarray,
    starts: np.ndarray,
    shingles: np.ndarray,
    offsets: np.ndarray,
    parent: np.ndarray,
    threshold: float,
) -> None:
    for group in range(starts.size - 1):
        for i in range(starts[group], starts[group + 1]):
            a = places[i]
            first = shingles[offsets[a] : offsets[a + 1]]
            for j in range(i + 1, min(starts[group + 1], i + 1 + MAX_COMPARED)):
                b = places[j]
                # A link between two of one cluster would change nothing, so it need not be verified.
                if _root(parent, a) == _root(parent, b):
                    continue
                if _jaccard(first, shingles[offsets[b] : offsets[b + 1]], threshold) >= threshold:
                    parent[_root(parent, b)] = _root(parent, a)


def _choose(
    roots: np.ndarray, rank: np.ndarray, shingles: np.ndarray, offsets: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((rank, roots))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(roots[order])) + 1, [len(order)]]).astype(np.int64)
    stays_as = np.arange(len(rank), dtype=np.int64)
    similarity = np.ones(len(rank))
    if len(order):
        _choose_in_clusters(order, starts, shingles, offsets, threshold, stays_as, similarity)
    return stays_as, similarity


@njit()
def _choose_in_clusters(
    order: np.ndarray,
    starts: np.ndarray,
    shingles: np.ndarray,
    offsets: np.ndarray,
    threshold: float,
    stays_as: np.ndarray,
    similarity: np.ndarray,
) -> None:
    for cluster in range(starts.size - 1):
        begin, end = starts[cluster], starts[cluster + 1]
        kept = np.empty(end - begin, dtype=np.int64)
        count = 0
        for i in range(begin, end):
            mine = shingles[offsets[order[i]] : offsets[order[i] + 1]]
            for k in range(count):
                other = kept[k]
                found = _jaccard(shingles[offsets[other] : offsets[other + 1]], mine, threshold)
                if found >= threshold:
                    stays_as[order[i]] = other
                    similarity[order[i]] = found
                    break
            else:
                kept[count] = order[i]
                count += 1
