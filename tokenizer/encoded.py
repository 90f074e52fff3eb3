"""Texts as tokens: ids, offsets into the original text, word and sentence starts."""

from __future__ import annotations

from codecs import utf_32_le_encode
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from corpus.sentence_starts import mark_sentences

# Ready things: looking up a codec or a dtype takes longer than a title's tokens.
_UINT32 = np.dtype(np.uint32)

FindStarts = Callable[[Sequence[str]], NDArray[np.bool_]]


class Encoding:
    """One text as tokens, without special tokens.

    Attributes:
        text: the original text.
        input_ids: (n,) int32.
        offsets: (n, 2) int32, half-open character spans into the original text.
        word_starts: (n,) bool, True at the first token of a word; computed when first read.
    """

    def __init__(
        self, text: str, input_ids: NDArray[np.int32], offsets: NDArray[np.int32], find_starts: FindStarts
    ) -> None:
        self.text = text
        self.input_ids = input_ids
        self.offsets = offsets
        self._find_starts = find_starts

    def __len__(self) -> int:
        return len(self.input_ids)

    @cached_property
    def word_starts(self) -> NDArray[np.bool_]:
        """(n,) bool: True at the first token of a word; a boundary inside a token is dropped."""
        bounds = np.array([0, len(self.input_ids)])
        return mark_starts(self._find_starts([self.text]), np.array([0, len(self.text)]), self.offsets, bounds)


class EncodedTexts(Sequence[Encoding]):
    """Many texts as tokens, flat; ``encoded[i]`` is the :class:`Encoding` of text i, a view.

    Attributes:
        input_ids: (N,) int32 of all texts, one after another.
        offsets: (N, 2) int32 into each text.
        bounds: (texts + 1,) int64: text i has tokens ``bounds[i]:bounds[i + 1]``.
        text_bounds: (texts + 1,) int64: the same in characters.
    """

    def __init__(
        self,
        texts: Sequence[str],
        text_bounds: NDArray[np.int64],
        parts: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]],
        find_starts: FindStarts,
    ) -> None:
        self.texts = texts
        self.text_bounds = text_bounds
        self.input_ids, self.offsets, self.bounds = parts
        self._find_starts = find_starts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, number: Any) -> Any:
        start, end = self.bounds[number], self.bounds[number + 1]
        return Encoding(self.texts[number], self.input_ids[start:end], self.offsets[start:end], self._find_starts)

    @cached_property
    def word_starts(self) -> NDArray[np.bool_]:
        """(N,) bool: True at the first token of a word."""
        return self.mark(self._find_starts(self.texts))

    @cached_property
    def sentence_starts(self) -> NDArray[np.bool_]:
        """(N,) bool: True at the first token of a sentence."""
        return self.mark(mark_sentences(code_points_of("".join(self.texts)), self.text_bounds))

    def texts_of(self, tokens: NDArray[np.int64]) -> list[str]:
        """Return the original text of some tokens, given by their number among all."""
        texts = (np.searchsorted(self.bounds, tokens, "right") - 1).tolist()
        spans = self.offsets[tokens].tolist()
        return [self.texts[text][start:end] for text, (start, end) in zip(texts, spans, strict=True)]

    def mark(self, character_starts: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (N,) bool: True at the first token at or after a marked character of its text."""
        return mark_starts(character_starts, self.text_bounds, self.offsets, self.bounds)


def mark_starts(
    character_starts: NDArray[np.bool_],
    text_bounds: NDArray[np.int64],
    offsets: NDArray[np.int32],
    bounds: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Carry marks from characters to tokens: (N,) bool, True where a mark lies after the last token's last character
    and not after this token's first; the first token of each text always begins something."""
    return _mark_starts(character_starts, text_bounds, offsets, bounds)


@njit(nogil=True)
def _mark_starts(character_starts, text_bounds, offsets, bounds):  # type: ignore[no-untyped-def]
    marks = np.zeros(len(offsets), np.bool_)
    for text in range(len(bounds) - 1):
        first = text_bounds[text]
        behind = 0
        for token in range(bounds[text], bounds[text + 1]):
            marks[token] = token == bounds[text]
            for place in range(behind, offsets[token, 0] + 1):
                if character_starts[first + place]:
                    marks[token] = True
            behind = max(behind, offsets[token, 1])
    return marks


def code_points_of(text: str) -> NDArray[np.uint32]:
    """Return a text's code points (N,); ValueError with the place of a lone surrogate."""
    try:
        return np.frombuffer(utf_32_le_encode(text)[0], _UINT32)
    except UnicodeEncodeError as error:
        raise ValueError(
            f"the text has a lone surrogate (U+{ord(text[error.start]):04X}) at character {error.start}: "
            "it is no well-formed Unicode; drop or replace it"
        ) from None
