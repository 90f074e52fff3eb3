"""Texts as rows of tokens that fit a model; long texts become several rows that overlap.

Everywhere here: a text has T tokens without special ones, token t covers the characters ``offsets[t]`` of the original.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer import ChineseTokenizer

_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Tokens:
    """A text's tokens without special ones."""

    text: str
    """The original."""

    input_ids: NDArray[np.int32]
    """(T,)"""

    offsets: NDArray[np.int32]
    """(T, 2) half-open character spans."""

    def __len__(self) -> int:
        return len(self.input_ids)

    def characters(self, first: int, last: int) -> tuple[int, int]:
        """Return the character span from token ``first`` to ``last`` inclusive.

        Marks that the tokenizer drops (accents written as characters of their own) stay with the letter before them.
        """
        start, end = int(self.offsets[first, 0]), int(self.offsets[first : last + 1, 1].max())
        while end < len(self.text) and unicodedata.category(self.text[end]) in ("Mn", "Me"):
            end += 1
        return start, end

    def covering(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the first and last token (inclusive) that touch a character span, or None where no token does."""
        first = int(np.searchsorted(self.offsets[:, 1], start, side="right"))
        last = int(np.searchsorted(self.offsets[:, 0], end, side="left")) - 1
        return (first, last) if first <= last else None


@dataclass(frozen=True)
class Window:
    """One row for the model."""

    example: int
    """Which text it is of."""

    start: int
    """First token of the text in the row."""

    stop: int
    """One past the last token of the text in the row."""

    input_ids: NDArray[np.int64]
    """With special tokens."""

    token_type_ids: NDArray[np.int64]
    """As long as ``input_ids``."""

    prefix: int
    """Place of token ``start`` in the row."""

    def __len__(self) -> int:
        return len(self.input_ids)


def tokenize(tokenizer: ChineseTokenizer, texts: Sequence[str]) -> list[Tokens]:
    """Return the tokens of each text. A lone surrogate, which no tokenizer takes, is read as U+FFFD in its place."""
    encoded = tokenizer.encode_batch([_SURROGATES.sub("\ufffd", text) for text in texts])
    return [Tokens(text, item.input_ids, item.offsets) for text, item in zip(texts, encoded, strict=True)]


def window_ranges(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Return the token ranges that windows of ``size`` cover; the last one is pulled back to be full.

    >>> window_ranges(10, 6, 2)
    [(0, 6), (4, 10)]
    """
    if length <= size:
        return [(0, length)]
    starts = [*range(0, length - size, size - overlap), length - size]
    return [(start, start + size) for start in starts]


def owned_ranges(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return for each window the tokens that it decides on: overlaps are split in the middle, far from both edges.

    >>> owned_ranges([(0, 6), (4, 10)])
    [(0, 5), (5, 10)]
    """
    cuts = [(stop + start) // 2 for (_, stop), (start, _) in itertools.pairwise(ranges)]
    return list(zip([ranges[0][0], *cuts], [*cuts, ranges[-1][1]], strict=True))


def text_windows(
    tokenizer: ChineseTokenizer,
    tokens: Sequence[Tokens],
    max_length: int,
    stride: int,
    prefixes: Sequence[Tokens] | None = None,
) -> list[Window]:
    """Return rows ``[CLS] text [SEP]``, or ``[CLS] prefix [SEP] text [SEP]``, of at most ``max_length`` tokens.

    A prefix (a question) longer than half the row is cut. Rows come text by text, in reading order.
    """
    windows = []
    for number, item in enumerate(tokens):
        head = [tokenizer.cls_id]
        if prefixes is not None:
            head += [*prefixes[number].input_ids[: max_length // 2 - 2].tolist(), tokenizer.sep_id]
        size = max_length - len(head) - 1
        for start, stop in window_ranges(len(item), size, min(stride, size - 1)):
            ids = np.empty(len(head) + stop - start + 1, np.int64)
            ids[: len(head)] = head
            ids[len(head) : -1] = item.input_ids[start:stop]
            ids[-1] = tokenizer.sep_id
            types = np.zeros(len(ids), np.int64)
            if prefixes is not None:
                types[len(head) :] = 1
            windows.append(Window(number, start, stop, ids, types, len(head)))
    return windows


def pair_windows(
    tokenizer: ChineseTokenizer, first: Sequence[Tokens], second: Sequence[Tokens], max_length: int
) -> list[Window]:
    """Return rows ``[CLS] A [SEP] B [SEP]``, one a pair; the longer text is cut first until both fit."""
    windows = []
    for number, (a, b) in enumerate(zip(first, second, strict=True)):
        room = max_length - 3
        length_b = min(len(b), max(room // 2, room - len(a)))
        length_a = min(len(a), room - length_b)
        ids = np.empty(length_a + length_b + 3, np.int64)
        ids[0] = tokenizer.cls_id
        ids[1 : length_a + 1] = a.input_ids[:length_a]
        ids[length_a + 1] = tokenizer.sep_id
        ids[length_a + 2 : -1] = b.input_ids[:length_b]
        ids[-1] = tokenizer.sep_id
        types = np.zeros(len(ids), np.int64)
        types[length_a + 2 :] = 1
        windows.append(Window(number, 0, length_a, ids, types, 1))
    return windows


def join_windows(windows: Sequence[Window], found: Sequence[tuple[NDArray[Any], ...]]) -> tuple[NDArray[Any], ...]:
    """Return arrays over all tokens of a text from arrays over each window's tokens, each from the window owning it."""
    if len(windows) == 1:
        return found[0]
    ranges = [(window.start, window.stop) for window in windows]
    owned = owned_ranges(ranges)
    cuts = [slice(a - start, b - start) for (a, b), (start, _) in zip(owned, ranges, strict=True)]
    return tuple(
        np.concatenate([part[cut] for part, cut in zip(parts, cuts, strict=True)]) for parts in zip(*found, strict=True)
    )


def judge(first: int, last: int, windows: Sequence[Window]) -> int:
    """Return the window that decides on tokens ``first`` to ``last``: the one in which they lie farthest from an edge.

    The ends of the text are no edges. Where no window holds them all, the number says nothing.
    """
    end = windows[-1].stop

    def margin(number: int) -> int:
        window = windows[number]
        if first < window.start or last >= window.stop:
            return -1
        before = end if window.start == 0 else first - window.start
        after = end if window.stop == end else window.stop - 1 - last
        return min(before, after)

    return max(range(len(windows)), key=margin)


def windows_by_example(windows: Sequence[Window], examples: int) -> list[list[int]]:
    """Return for each text the numbers of its windows, in reading order."""
    groups: list[list[int]] = [[] for _ in range(examples)]
    for number, window in enumerate(windows):
        groups[window.example].append(number)
    return groups
