"""How many tokens a text has, counted as BERT's basic tokenizer cuts it, without a vocabulary."""

from __future__ import annotations

import numpy as np

from corpus.compiling import njit
from corpus.dedup.minhash import code_points


def basic_tokens(text: str) -> int:
    """Return hanzi and signs, each one, and runs of letters and digits, each one: a lower bound of WordPiece's tokens.

    >>> basic_tokens("我们用BERT模型，2026年。")
    10
    """
    return int(_count(code_points(text)))


@njit(nogil=True)
def _count(codes: np.ndarray) -> int:
    count = 0
    inside = False
    for code in codes:
        if code <= 32 or code == 0x3000:
            inside = False
        elif (
            48 <= code <= 57
            or 65 <= code <= 90
            or 97 <= code <= 122
            or 0xC0 <= code < 0x2000
            or 0xAC00 <= code < 0xD7B0
            or 0x3041 <= code < 0x3100
        ):
            count += not inside
            inside = True
        else:
            count += 1
            inside = False
    return count
