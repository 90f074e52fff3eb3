"""The kernel that lays rows out: [CLS] A [SEP] B [SEP] for each piece, with its sentence order drawn by its own key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from macbert.examples.packing import PackedRows
from macbert.examples.reading import TokenTable
from macbert.masking.choosing import EDGE, TEXT, WORD
from macbert.masking.compiling import inner
from macbert.masking.draws import SENTENCE_ORDER, below, draw, row_key
from tokenizer.addresses import int32_at, uint8_at, uint16_at, uint32_at

IN_ORDER, SWAPPED, NO_PAIR = 0, 1, -100

_TOP_BIT = np.uint64(63)

# Bytes of a line of the processor's cache.
_LINE = 64


class RowIndex(NamedTuple):
    """Which tokens each row is made of."""

    row_pieces: NDArray[np.int64]
    """(rows + 1,): row r has the pieces ``row_pieces[r]:row_pieces[r + 1]``."""

    pieces: NDArray[np.int32]
    """(pieces, 3): the chunk of the :class:`TokenTable` that a piece lies in, its first token there, and its tokens,
    special ones not counted; together, since rows are read in random order and memory comes by the line."""


class SpecialIds(NamedTuple):
    """The tokens that a layout adds."""

    pad: int
    cls: int
    sep: int


def locate(table: TokenTable, packed: PackedRows) -> RowIndex:
    """Return the places of packed rows in the table."""
    chunks = np.searchsorted(table.first_document, packed.piece_document, "right") - 1
    pieces = np.empty((len(chunks), 3), np.int32)
    pieces[:, 0], pieces[:, 2] = chunks, packed.piece_tokens
    _locate(table, packed.piece_document, packed.piece_start, pieces)
    return RowIndex(packed.row_pieces, pieces)


@njit(cache=True, nogil=True)
def _locate(table, documents, starts, pieces):  # type: ignore[no-untyped-def]
    for number in range(len(documents)):
        chunk = pieces[number, 0]
        document = documents[number] - table.first_document[chunk]
        pieces[number, 1] = int32_at(table.bounds[chunk], document + 1)[document] + starts[number]


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

    Returns:
        Nothing of use.
    """
    length = input_ids.shape[1]
    fetched = _fetch(table, index, rows)
    for row in range(len(rows)):
        first = index.row_pieces[rows[row]]
        pieces = index.row_pieces[rows[row] + 1] - first
        ids, types, marked = input_ids[row], token_type_ids[row], marks[row]
        slot = 0
        for number in range(pieces):
            piece = first + number
            chunk, start, tokens = index.pieces[piece, 0], int(index.pieces[piece, 1]), int(index.pieces[piece, 2])
            bit = table.sentence_bit[chunk]
            sentences = uint8_at(table.sentences[chunk], ((bit + start + tokens) >> 3) + 1)
            inner = _count_bits(sentences, bit + start + 1, bit + start + tokens)
            split, order = tokens, NO_PAIR
            if inner:
                key = row_key(seed, epoch, piece, SENTENCE_ORDER)
                split = _find_bit(sentences, bit + start + 1, below(draw(key, 0), inner)) - bit - start
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
    return fetched


@njit(cache=True, nogil=True)
def _fetch(table, index, rows):  # type: ignore[no-untyped-def]
    """Read a byte of every line of memory that the rows lie in; return a number that says nothing.

    Laying rows waits for memory at each piece, as what it does next depends on what it reads; these reads do not wait
    for one another. Without them a batch of 64 rows of 128 took half as long again.
    """
    found = np.int64(0)
    for row in range(len(rows)):
        for piece in range(index.row_pieces[rows[row]], index.row_pieces[rows[row] + 1]):
            chunk, start, tokens = index.pieces[piece, 0], int(index.pieces[piece, 1]), int(index.pieces[piece, 2])
            size = 4 if table.wide[chunk] else 2
            ids = uint8_at(table.ids[chunk], (start + tokens) * size)
            for place in range(start * size, (start + tokens) * size, _LINE):
                found += ids[place]
            for bits, bit in (
                (table.words[chunk], table.word_bit[chunk]),
                (table.sentences[chunk], table.sentence_bit[chunk]),
            ):
                found += uint8_at(bits, ((bit + start) >> 3) + 1)[(bit + start) >> 3]
    return found


@njit(cache=True, nogil=True)
def _copy(table, chunk, sentences, low, high, ids, marked, slot):  # type: ignore[no-untyped-def]
    """Copy the tokens ``low:high`` of a chunk to the slots from ``slot`` on, with their marks."""
    if table.wide[chunk]:
        wide = uint32_at(table.ids[chunk], high)
        for token in range(low, high):
            ids[slot + token - low] = wide[token]
    else:
        narrow = uint16_at(table.ids[chunk], high)
        for token in range(low, high):
            ids[slot + token - low] = narrow[token]
    bit, word_bit = table.sentence_bit[chunk], table.word_bit[chunk]
    words = uint8_at(table.words[chunk], ((word_bit + high) >> 3) + 1)
    slot_of = slot - low
    token = low
    while token + 8 <= high:
        word, edge = _eight_bits(words, word_bit + token), _eight_bits(sentences, bit + token)
        for step in range(8):
            marked[slot_of + token + step] = TEXT | (((word >> step) & 1) * WORD) | (((edge >> step) & 1) * EDGE)
        token += 8
    for last in range(token, high):
        word = (words[(word_bit + last) >> 3] >> ((word_bit + last) & 7)) & 1
        edge = (sentences[(bit + last) >> 3] >> ((bit + last) & 7)) & 1
        marked[slot_of + last] = TEXT | (word * WORD) | (edge * EDGE)
    marked[slot] = TEXT | WORD | EDGE


@inner
def _eight_bits(bits, place):  # type: ignore[no-untyped-def]
    """Return the eight bits from a place on; a byte may lie behind the last of them."""
    return ((np.int64(bits[place >> 3]) | np.int64(bits[(place >> 3) + 1]) << 8) >> (place & 7)) & 255


@inner
def _ones(byte):  # type: ignore[no-untyped-def]
    byte -= (byte >> 1) & 0x55
    byte = (byte & 0x33) + ((byte >> 2) & 0x33)
    return (byte + (byte >> 4)) & 15


@inner
def _count_bits(bits, low, high):  # type: ignore[no-untyped-def]
    """Return how many of the bits ``low:high`` are set."""
    if low >= high:
        return np.int64(0)
    first, last = low >> 3, (high - 1) >> 3
    found = np.int64(0)
    for place in range(first, last + 1):
        byte = np.int64(bits[place])
        byte &= 255 << (low & 7) if place == first else 255
        byte &= 255 >> (7 - ((high - 1) & 7)) if place == last else 255
        found += _ones(byte)
    return found


@inner
def _find_bit(bits, low, before):  # type: ignore[no-untyped-def]
    """Return the place of a set bit at ``low`` or later, so many set ones being before it."""
    place = low >> 3
    byte = np.int64(bits[place]) & (255 << (low & 7))
    while _ones(byte) <= before:
        before -= _ones(byte)
        place += 1
        byte = np.int64(bits[place])
    for _ in range(before):
        byte &= byte - 1
    bit = np.int64(0)
    while (byte >> bit) & 1 == 0:
        bit += 1
    return place * 8 + bit
