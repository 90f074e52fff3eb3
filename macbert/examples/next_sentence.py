"""Next sentence prediction (BERT, Devlin et al. 2019, section 3.1): a second segment from another document."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from macbert.examples.bits import count_bits, find_bit, next_bit
from macbert.masking.draws import below, draw
from tokenizer.addresses import int32_at, uint8_at

# Places drawn for a second segment; the one that leaves least of its room is taken. With 1, 8 and 32 of them lengths
# alone tell the two kinds of pair apart in 70, 55 and 52 %, and 57, 13 and 3 % of pairs find none (docs/log.md).
PLACES = 32

# Draws of a piece's key that the split and the coin use.
_USED = 2


class RowIndex(NamedTuple):
    """Which tokens each row is made of."""

    row_pieces: NDArray[np.int64]
    """(rows + 1,): row r has the pieces ``row_pieces[r]:row_pieces[r + 1]``."""

    pieces: NDArray[np.int32]
    """(pieces, 3): the chunk of the :class:`TokenTable` that a piece lies in, its first token there, and its tokens,
    special ones not counted; together, since rows are read in random order and memory comes by the line."""


class Segment(NamedTuple):
    """The tokens ``low:high`` of a chunk."""

    chunk: np.int64
    low: np.int64
    high: np.int64


@njit(nogil=True)
def other_segment(table, index, key, piece, room):  # type: ignore[no-untyped-def]
    """Return whole sentences of another document that fit a room; an empty :class:`Segment` if none was found.

    A piece of the epoch is drawn, every piece equally likely, so that other documents are drawn as often as they are
    trained on, and in it a sentence start; the segment goes on from there inside the piece while whole sentences fit.

    Args:
        table: :class:`TokenTable`.
        index: :class:`RowIndex`.
        key: of the piece.
        piece: whose second segment is wanted.
        room: tokens.
    """
    pieces = len(index.pieces)
    own_chunk = np.int64(index.pieces[piece, 0])
    own_low, own_high = _document_of(table, own_chunk, index.pieces[piece, 1])
    found = Segment(own_chunk, np.int64(0), np.int64(0))
    for place in range(PLACES):
        drawn = below(draw(key, _USED + 2 * place), pieces)
        chunk, start = np.int64(index.pieces[drawn, 0]), np.int64(index.pieces[drawn, 1])
        stop = start + index.pieces[drawn, 2]
        if chunk == own_chunk and own_low <= start < own_high:
            continue
        bit = table.sentence_bit[chunk]
        bits = uint8_at(table.sentences[chunk], ((bit + stop) >> 3) + 1)
        starts = count_bits(bits, bit + start, bit + stop)
        if starts == 0:  # a part of a cut sentence
            continue
        low = find_bit(bits, bit + start, below(draw(key, _USED + 2 * place + 1), starts)) - bit
        high, end = low, next_bit(bits, bit, low + 1, stop)
        while end > high and end - low <= room:
            high, end = end, next_bit(bits, bit, end + 1, stop)
        if high - low > found.high - found.low:
            found = Segment(chunk, low, high)
        if high - low == room:
            break
    return found


@njit(nogil=True)
def _document_of(table, chunk, token):  # type: ignore[no-untyped-def]
    """Return the first token of the document of a token, and the first of the next, both counted in their chunk."""
    documents = table.first_document[chunk + 1] - table.first_document[chunk]
    bounds = int32_at(table.bounds[chunk], documents + 1)
    low, high = np.int64(0), np.int64(documents)
    while high - low > 1:
        middle = (low + high) // 2
        if bounds[middle] <= token:
            low = middle
        else:
            high = middle
    return np.int64(bounds[low]), np.int64(bounds[high])
