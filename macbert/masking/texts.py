"""Texts, and rows of token ids without their text, as rows to mask: tokens with marks of words and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corpus.sentence_starts import mark_sentences
from macbert.masking.choosing import EDGE, TEXT, WORD
from tokenizer.encoded import mark_starts

if TYPE_CHECKING:
    from tokenizer import ChineseTokenizer, EncodedTexts

# Stands for a token without text ([UNK], [unused1] ...) where words are found again from ids: no word goes over it.
_NO_TEXT = "�"


def text_marks(encoded: EncodedTexts) -> NDArray[np.uint8]:
    """Return the marks of texts' tokens, (N,) uint8 of TEXT, WORD and EDGE (a sentence begins), flat as the tokens."""
    codes = np.frombuffer("".join(encoded.texts).encode("utf-32-le"), np.uint32)
    sentences = encoded.mark(mark_sentences(codes, encoded.text_bounds))
    return _marks(encoded.word_starts, sentences)


def _marks(word_starts: NDArray[np.bool_], sentence_starts: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return (TEXT + WORD * word_starts + EDGE * sentence_starts).astype(np.uint8)


class IdMarker:
    """Finds words and sentences of token ids whose text is gone: the tokens are written out and segmented.

    Offsets, spaces and capital letters are lost, so a boundary may differ from the text's where Latin words meet.
    """

    def __init__(self, tokenizer: ChineseTokenizer) -> None:
        self._find_starts = tokenizer.find_starts
        special = tokenizer.vocabulary.special_mask
        self._inside = np.array([token.startswith("##") and len(token) > 2 for token in tokenizer.vocab])
        self._written = [
            _NO_TEXT if special[i] else token[2:] if self._inside[i] else token
            for i, token in enumerate(tokenizer.vocab)
        ]
        latin = np.array([token[-1].isascii() and token[-1].isalnum() for token in self._written])
        begins = np.array([token[0].isascii() and token[0].isalnum() for token in self._written])
        self._latin_end, self._latin_begin = latin, begins & ~self._inside

    def marks(self, input_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the marks of a row's tokens, (n,) uint8; special tokens must not be among them."""
        if not len(input_ids):
            return np.zeros(0, np.uint8)
        spaced = np.zeros(len(input_ids), np.int32)
        spaced[1:] = self._latin_end[input_ids[:-1]] & self._latin_begin[input_ids[1:]]
        written = [self._written[i] for i in input_ids.tolist()]
        text = "".join(" " + token if space else token for token, space in zip(written, spaced.tolist(), strict=True))
        lengths = np.fromiter(map(len, written), np.int32, len(written))
        ends = np.cumsum(lengths + spaced, dtype=np.int32)
        offsets = np.stack([ends - lengths, ends], axis=1)
        bounds, text_bounds = np.array([0, len(input_ids)]), np.array([0, len(text)])
        words = mark_starts(self._find_starts([text]), text_bounds, offsets, bounds)
        words[1:] &= ~self._inside[input_ids[1:]]
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        return _marks(words, mark_starts(mark_sentences(codes, text_bounds), text_bounds, offsets, bounds))


def cut_at_word(marks: NDArray[np.uint8], longest: int) -> int:
    """Return how many of a row's first tokens fit: up to the last word begun by ``longest``, or all if all fit.

    >>> cut_at_word(np.array([7, 1, 3, 1, 1, 3], np.uint8), 4)
    2
    """
    if len(marks) <= longest:
        return len(marks)
    starts = np.flatnonzero(marks[1 : longest + 1] & (WORD | EDGE)) + 1
    return int(starts[-1]) if len(starts) else longest


def padded(rows: Sequence[NDArray], length: int, filler: int, dtype: type) -> NDArray:
    """Return rows of different lengths as one array (rows, length)."""
    whole: NDArray = np.full((len(rows), length), filler, dtype)
    for number, row in enumerate(rows):
        whole[number, : len(row)] = row
    return whole
