"""The kernel that lays rows out: [CLS] A [SEP] B [SEP] for each piece, what B is drawn by the piece's own key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from corpus.compiling import njit
from macbert.examples.bits import count_bits, eight_bits, find_bit
from macbert.examples.next_sentence import RowIndex, Segment, other_segment
from macbert.examples.packing import PackedRows
from macbert.examples.reading import TokenTable
from macbert.masking.choosing import EDGE, TEXT, WORD
from macbert.masking.draws import SENTENCE_ORDER, below, draw, row_key
from tokenizer.addresses import int32_at, uint8_at, uint16_at, uint32_at

IN_ORDER, SWAPPED, NO_PAIR = 0, 1, -100
NEXT, ELSEWHERE = 0, 1

SENTENCE_PREDICTIONS = ("sop", "nsp", "none")
"""What a piece's label tells; a kernel knows it by its number here."""

_SOP, _NSP = 0, 1

_TOP_BIT = np.uint64(63)

# Bytes of a line of the processor's cache.
_LINE = 64


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


@njit(nogil=True)
def _locate(table, documents, starts, pieces):  # type: ignore[no-untyped-def]
    for number in range(len(documents)):
        chunk = pieces[number, 0]
        document = documents[number] - table.first_document[chunk]
        pieces[number, 1] = int32_at(table.bounds[chunk], document + 1)[document] + starts[number]


@njit(nogil=True)
def lay_rows(  # type: ignore[no-untyped-def]
    table, index, special, prediction, rows, seed, epoch,
    input_ids, token_type_ids, position_ids, piece_ids, marks, cls_positions, sop_labels,
):  # fmt: skip
    """Write rows, every slot of every output.

    Args:
        table: :class:`TokenTable`.
        index: :class:`RowIndex`.
        special: :class:`SpecialIds`.
        prediction: place in ``SENTENCE_PREDICTIONS``.
        rows: (B,) int64 numbers of the rows.
        seed: of the sentence orders, or of the second segments.
        epoch: of the same.
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
            chunk, start = np.int64(index.pieces[piece, 0]), np.int64(index.pieces[piece, 1])
            tokens = np.int64(index.pieces[piece, 2])
            bit = table.sentence_bit[chunk]
            sentences = uint8_at(table.sentences[chunk], ((bit + start + tokens) >> 3) + 1)
            inner = count_bits(sentences, bit + start + 1, bit + start + tokens)
            split, order = tokens, NO_PAIR
            other = Segment(chunk, np.int64(0), np.int64(0))
            if inner:
                key = row_key(seed, epoch, piece, SENTENCE_ORDER)
                split = find_bit(sentences, bit + start + 1, below(draw(key, 0), inner)) - bit - start
                second = draw(key, 1) >> _TOP_BIT
                if prediction == _SOP:
                    order = SWAPPED if second else IN_ORDER
                elif prediction == _NSP:
                    other = other_segment(table, index, key, piece, tokens - split)
                    if other.high > other.low:
                        order = ELSEWHERE if second else NEXT
            begin = slot
            ids[slot] = special.cls
            types[slot] = 0
            marked[slot] = 0
            slot += 1
            cls_positions[row, number] = begin
            sop_labels[row, number] = order
            for segment in range(2 if inner else 1):
                taken = Segment(chunk, start, start + split)
                if segment == 1 and prediction == _NSP and order == ELSEWHERE:
                    taken = other
                elif (segment == 1) != (prediction == _SOP and order == SWAPPED):
                    taken = Segment(chunk, start + split, start + tokens)
                low, high = int(taken.low), int(taken.high)
                _copy(table, taken.chunk, low, high, ids, marked, slot)
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


@njit(nogil=True)
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


@njit(nogil=True)
def _copy(table, chunk, low, high, ids, marked, slot):  # type: ignore[no-untyped-def]
    """Copy the tokens ``low:high`` of a chunk to the slots from ``slot`` on, with their marks."""
    bit, word_bit = table.sentence_bit[chunk], table.word_bit[chunk]
    sentences = uint8_at(table.sentences[chunk], ((bit + high) >> 3) + 1)
    if table.wide[chunk]:
        wide = uint32_at(table.ids[chunk], high)
        for token in range(low, high):
            ids[slot + token - low] = wide[token]
    else:
        narrow = uint16_at(table.ids[chunk], high)
        for token in range(low, high):
            ids[slot + token - low] = narrow[token]
    words = uint8_at(table.words[chunk], ((word_bit + high) >> 3) + 1)
    slot_of = slot - low
    token = low
    while token + 8 <= high:
        word, edge = eight_bits(words, word_bit + token), eight_bits(sentences, bit + token)
        for step in range(8):
            marked[slot_of + token + step] = TEXT | (((word >> step) & 1) * WORD) | (((edge >> step) & 1) * EDGE)
        token += 8
    for last in range(token, high):
        word = (words[(word_bit + last) >> 3] >> ((word_bit + last) & 7)) & 1
        edge = (sentences[(bit + last) >> 3] >> ((bit + last) & 7)) & 1
        marked[slot_of + last] = TEXT | (word * WORD) | (edge * EDGE)
    marked[slot] = TEXT | WORD | EDGE
