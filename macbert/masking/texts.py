"""Texts, and rows of token ids without their text, as rows to mask: tokens with marks of words and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corpus.sentence_starts import mark_sentences
from macbert.masking.marks import EDGE, TEXT, WORD
from tokenizer.encoded import code_points_of, mark_starts

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
        self._lengths = np.array([*map(len, self._written)], np.int32)
        latin = np.array([token[-1].isascii() and token[-1].isalnum() for token in self._written])
        begins = np.array([token[0].isascii() and token[0].isalnum() for token in self._written])
        self._latin_end, self._latin_begin = latin, begins & ~self._inside

    def marks(self, input_ids: NDArray[np.int64], bounds: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
        """Return the marks of tokens, (n,) uint8; special tokens must not be among them.

        Args:
            input_ids: (n,) of one text or of many, one after another.
            bounds: (texts + 1,): text t is ``input_ids[bounds[t]:bounds[t + 1]]``, none of them empty; None: one text.
        """
        if not len(input_ids):
            return np.zeros(0, np.uint8)
        bounds = np.array([0, len(input_ids)]) if bounds is None else bounds
        spaced = np.zeros(len(input_ids), np.int32)
        spaced[1:] = self._latin_end[input_ids[:-1]] & self._latin_begin[input_ids[1:]]
        spaced[bounds[:-1]] = 0
        written = [self._written[i] for i in input_ids.tolist()]
        for place in np.flatnonzero(spaced).tolist():
            written[place] = " " + written[place]
        whole = "".join(written)
        lengths = self._lengths[input_ids]
        ends = np.cumsum(lengths + spaced, dtype=np.int32)
        text_bounds = np.append(0, ends)[bounds]
        ends -= np.repeat(text_bounds[:-1], np.diff(bounds)).astype(np.int32)
        offsets = np.stack([ends - lengths, ends], axis=1)
        texts = [whole[start:end] for start, end in pairwise(text_bounds.tolist())]
        words = mark_starts(self._find_starts(texts), text_bounds, offsets, bounds)
        words &= ~self._inside[input_ids]
        words[bounds[:-1]] = True
        sentences = mark_sentences(code_points_of(whole), text_bounds)
        return _marks(words, mark_starts(sentences, text_bounds, offsets, bounds))


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


def joined(rows: Sequence[Any], dtype: type) -> NDArray:
    """Return rows (lists, arrays or tensors of numbers) one after another, as one array."""
    if all(isinstance(row, list) for row in rows):  # numpy takes twice as long to look into each list
        return np.fromiter(chain.from_iterable(rows), dtype, sum(map(len, rows)))
    return np.concatenate([np.zeros(0, dtype), *(np.asarray(row, dtype) for row in rows)])
