"""The kernel that lays rows out: [CLS] A [SEP] B [SEP] for each piece, with its sentence order drawn by its own key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from macbert.examples.reading import TokenTable, bounds_at, bytes_at, narrow_ids_at, wide_ids_at
from macbert.masking.choosing import EDGE, TEXT, WORD
from macbert.masking.draws import SENTENCE_ORDER, below, draw, row_key

IN_ORDER, SWAPPED, NO_PAIR = 0, 1, -100

_TOP_BIT = np.uint64(63)


class RowIndex(NamedTuple):
    """Which tokens each row is made of."""

    row_pieces: NDArray[np.int64]
    """(rows + 1,): row r has the pieces ``row_pieces[r]:row_pieces[r + 1]``."""

    chunk: NDArray[np.int32]
    """(pieces,) chunk of the :class:`TokenTable` that a piece lies in."""

    place: NDArray[np.int32]
    """(pieces,) its first token in that chunk."""

    tokens: NDArray[np.int32]
    """(pieces,) its tokens, special ones not counted."""


class SpecialIds(NamedTuple):
    """The tokens that a layout adds."""

    pad: int
    cls: int
    sep: int


def locate(
    table: TokenTable, documents: NDArray[np.int32], starts: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the chunk and the place in it of tokens given by document and place in the document."""
    chunks = np.searchsorted(table.first_document, documents, "right").astype(np.int32) - np.int32(1)
    places = np.empty(len(documents), np.int32)
    _locate(table, documents, starts, chunks, places)
    return chunks, places


@njit(cache=True, nogil=True)
def _locate(table, documents, starts, chunks, places):  # type: ignore[no-untyped-def]
    for number in range(len(documents)):
        document = documents[number] - table.first_document[chunks[number]]
        places[number] = bounds_at(table.bounds[chunks[number]], document + 1)[document] + starts[number]


@njit(cache=True, nogil=True)
def lay_rows(  # type: ignore[no-untyped-def]
    table, index, special, rows, seed, epoch,
    input_ids, token_type_ids, position_ids, piece_ids, marks, cls_positions, sop_labels,
):  # fmt: skip
    """Write rows, every slot of every output.

    Args:
        table: :class:`TokenTable`.
        index: :class:`RowIndex`.
        special: :class:`SpecialIds`.
        rows: (B,) int64 numbers of the rows.
        seed: of the sentence orders.
        epoch: of the sentence orders.
        input_ids: (B, L) int64.
        token_type_ids: (B, L) int64.
        position_ids: (B, L) int64.
        piece_ids: (B, L) int64.
        marks: (B, L) uint8, for masking.
        cls_positions: (B, P) int64.
        sop_labels: (B, P) int64.
    """
    length = input_ids.shape[1]
    for row in range(len(rows)):
        first = index.row_pieces[rows[row]]
        pieces = index.row_pieces[rows[row] + 1] - first
        ids, types, marked = input_ids[row], token_type_ids[row], marks[row]
        slot = 0
        for number in range(pieces):
            piece = first + number
            chunk, start, tokens = index.chunk[piece], int(index.place[piece]), int(index.tokens[piece])
            bit = table.sentence_bit[chunk]
            sentences = bytes_at(table.sentences[chunk], ((bit + start + tokens) >> 3) + 1)
            inner = 0
            for token in range(start + 1, start + tokens):
                inner += (sentences[(bit + token) >> 3] >> ((bit + token) & 7)) & 1
            split, order = tokens, NO_PAIR
            if inner:
                key = row_key(seed, epoch, piece, SENTENCE_ORDER)
                wanted = below(draw(key, 0), inner) + 1
                split = 0
                while wanted:
                    split += 1
                    wanted -= (sentences[(bit + start + split) >> 3] >> ((bit + start + split) & 7)) & 1
                order = SWAPPED if draw(key, 1) >> _TOP_BIT else IN_ORDER
            begin = slot
            ids[slot] = special.cls
            types[slot] = 0
            marked[slot] = 0
            slot += 1
            cls_positions[row, number] = begin
            sop_labels[row, number] = order
            for segment in range(2 if inner else 1):
                if (segment == 0) != (order == SWAPPED):
                    low, high = start, start + split
                else:
                    low, high = start + split, start + tokens
                _copy(table, chunk, sentences, low, high, ids, marked, slot)
                types[slot : slot + high - low + 1] = segment
                slot += high - low
                ids[slot] = special.sep
                marked[slot] = 0
                slot += 1
            for place in range(begin, slot):
                position_ids[row, place] = place - begin
                piece_ids[row, place] = number + 1
        ids[slot:] = special.pad
        types[slot:] = 0
        marked[slot:] = 0
        position_ids[row, slot:length] = 0
        piece_ids[row, slot:length] = 0
        cls_positions[row, pieces:] = 0
        sop_labels[row, pieces:] = NO_PAIR


@njit(cache=True, nogil=True)
def _copy(table, chunk, sentences, low, high, ids, marked, slot):  # type: ignore[no-untyped-def]
    """Copy the tokens ``low:high`` of a chunk to the slots from ``slot`` on, with their marks."""
    if table.wide[chunk]:
        wide = wide_ids_at(table.ids[chunk], high)
        for token in range(low, high):
            ids[slot + token - low] = wide[token]
    else:
        narrow = narrow_ids_at(table.ids[chunk], high)
        for token in range(low, high):
            ids[slot + token - low] = narrow[token]
    bit, word_bit = table.sentence_bit[chunk], table.word_bit[chunk]
    words = bytes_at(table.words[chunk], ((word_bit + high) >> 3) + 1)
    for token in range(low, high):
        word = (words[(word_bit + token) >> 3] >> ((word_bit + token) & 7)) & 1
        edge = (sentences[(bit + token) >> 3] >> ((bit + token) & 7)) & 1
        marked[slot + token - low] = TEXT | (word * WORD) | (edge * EDGE)
    marked[slot] = TEXT | WORD | EDGE
