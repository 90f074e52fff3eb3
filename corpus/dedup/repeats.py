"""How much of a text was said before in it, compiled."""

# n = code points of a text.

from __future__ import annotations

import numpy as np

from corpus.compiling import njit
from corpus.dedup.minhash import _shingles, code_points


def repeated_ngrams(text: str, ngram: int) -> float:
    """Return the share of a text's character n-grams that occurred in it before, 0 to 1."""
    return float(_repeated_share(_shingles(code_points(text), ngram)))


def stuck_characters(text: str, times: int) -> int:
    """Return how many characters are in runs of one to three characters said ``times`` times or more (哈哈哈…)."""
    return int(_stuck(code_points(text), times))


@njit(nogil=True)
def _stuck(codes: np.ndarray, times: int) -> int:
    most = 0
    for period in range(1, 4):
        total = run = 0
        for place in range(period, codes.size):
            if codes[place] == codes[place - period]:
                run += 1
            else:
                total += run + period if run + period >= period * times else 0
                run = 0
        total += run + period if run + period >= period * times else 0
        most = max(most, total)
    return most


@njit(nogil=True)
def _repeated_share(values: np.ndarray) -> float:
    # A 32-bit hash table with open addressing: 3 times faster than sorting.
    size = 16
    while size < 2 * values.size:
        size *= 2
    table = np.zeros(size, dtype=np.uint32)
    repeated = 0
    for value in values:
        key = np.uint32(value) | np.uint32(1)
        place = np.int64(value >> np.uint32(1)) & (size - 1)
        while table[place] != 0 and table[place] != key:
            place = (place + 1) & (size - 1)
        if table[place] == key:
            repeated += 1
        else:
            table[place] = key
    return repeated / values.size
