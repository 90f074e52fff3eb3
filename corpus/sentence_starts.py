"""Where sentences begin, in compiled code over code points: the one rule for documents and for tokens."""

from __future__ import annotations

import sys
from functools import cache

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit

OTHER, FULL_MARK, ASCII_MARK, CLOSING, BLANK, LINE_END, IN_WORD = range(7)


def mark_sentences(code_points: NDArray[np.uint32], bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (N,) bool: True at the first character of each sentence of each text.

    The rules are those that the authors of Chinese-BERT-wwm name (issue 73: 。？！), with … ； and line ends. Closing
    quotes and brackets, and white space after them, stay with the sentence; ! and ? inside a URL or code end none.

    Args:
        code_points: (N,) of all texts, one after another.
        bounds: (texts + 1,): text t is ``code_points[bounds[t]:bounds[t + 1]]``.

    >>> text = "他说：“好！”然后走了。雨停了"
    >>> codes = np.array([ord(char) for char in text], np.uint32)
    >>> np.flatnonzero(mark_sentences(codes, np.array([0, len(text)]))).tolist()
    [0, 7, 12]
    """
    return _mark(code_points, bounds, _kinds())


@cache
def _kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(sys.maxunicode + 1, np.uint8)
    for kind, chars in (
        (IN_WORD, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=&/_%+.-"),
        (FULL_MARK, "。？！…；"),
        (ASCII_MARK, "!?"),
        (CLOSING, "”’」』）】》〉〕］｝)]}\"'"),
        (BLANK, [chr(code) for code in range(0x10000) if chr(code).isspace()]),
        (LINE_END, "\n"),
    ):
        kinds[[*map(ord, chars)]] = kind
    return kinds


@njit(nogil=True)
def _mark(codes, bounds, kinds):  # type: ignore[no-untyped-def]
    starts = np.zeros(len(codes), np.bool_)
    for text in range(len(bounds) - 1):
        place, end = bounds[text], bounds[text + 1]
        if place < end:
            starts[place] = True
        content = False
        while place < end:
            kind = kinds[codes[place]]
            ends = kind in (FULL_MARK, LINE_END)
            if kind == ASCII_MARK:
                ends = place + 1 == end or kinds[codes[place + 1]] != IN_WORD
            if kind != BLANK and kind != LINE_END:
                content = True
            place += 1
            if not ends:
                continue
            if kind != LINE_END:
                while place < end and (kinds[codes[place]] == FULL_MARK or kinds[codes[place]] == ASCII_MARK):
                    place += 1
                while place < end and kinds[codes[place]] == CLOSING:
                    place += 1
            while place < end and (kinds[codes[place]] == BLANK or kinds[codes[place]] == LINE_END):
                place += 1
            if content and place < end:
                starts[place] = True
                content = False
    return starts
