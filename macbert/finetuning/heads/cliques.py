"""Groups whose members are all linked to each other."""

from __future__ import annotations

from collections.abc import Mapping

MAX_GROUPS = 64
"""An untrained model links almost everything; a trained one stays far below this."""


def maximal_cliques(links: Mapping[int, set[int]]) -> list[list[int]]:
    """Return the maximal cliques of a graph, each sorted, at most ``MAX_GROUPS`` (Bron and Kerbosch 1973, pivoting).

    >>> maximal_cliques({0: {1}, 1: {0, 2}, 2: {1}, 3: set()})
    [[0, 1], [1, 2], [3]]
    """
    found: list[list[int]] = []

    def grow(chosen: set[int], open_: set[int], closed: set[int]) -> None:
        if len(found) >= MAX_GROUPS:
            return
        if not open_ and not closed:
            found.append(sorted(chosen))
            return
        pivot = max(sorted(open_ | closed), key=lambda node: len(links[node] & open_))
        for node in sorted(open_ - links[pivot]):
            grow(chosen | {node}, open_ & links[node], closed & links[node])
            open_, closed = open_ - {node}, closed | {node}

    if links:
        grow(set(), set(links), set())
    return sorted(found)
