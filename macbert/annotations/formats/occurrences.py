"""Where a surface stands, for data without offsets: the occurrences of two arguments that lie nearest to each other.

In a DuIE sample 22 % of the triples have an argument that stands more than once, so "the first" is often the wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence


def occurrences(text: str, surface: str) -> list[int]:
    """Return every place where a surface begins, overlapping ones included."""
    places, start = [], text.find(surface)
    while start >= 0 and surface:
        places.append(start)
        start = text.find(surface, start + 1)
    return places


def nearest_pair(text: str, first: str, second: str) -> tuple[int, int] | None:
    """Return the starts of two surfaces whose stretches lie nearest, apart rather than overlapping; ties to the left.

    >>> nearest_pair("李雷说韩梅梅喜欢李雷", "韩梅梅", "李雷")
    (3, 0)
    >>> nearest_pair("北京大学在北京", "北京大学", "北京")
    (0, 5)
    """
    pairs = [(a, b) for a in occurrences(text, first) for b in occurrences(text, second)]
    if not pairs:
        return None

    def cost(pair: tuple[int, int]) -> tuple[bool, int, int, int]:
        a, b = pair
        gap = max(a, b) - (a + len(first) if a <= b else b + len(second))
        return gap < 0, abs(gap), a, b

    return min(pairs, key=cost)


def nearest(text: str, surface: str, anchor: tuple[int, int]) -> int | None:
    """Return the start of the occurrence nearest to an anchor stretch; ties to the left."""
    places: Sequence[int] = occurrences(text, surface)
    if not places:
        return None
    return min(places, key=lambda a: (max(anchor[0] - a - len(surface), a - anchor[1], 0), a))
