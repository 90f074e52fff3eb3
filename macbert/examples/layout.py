"""The kernel that lays rows out: [CLS] A [SEP] B [SEP] for each piece, what B is drawn by the piece's own key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from macbert.examples.bits import count_bits, eight_bits, find_bit, one_bit
from macbert.examples.next_sentence import RowIndex, Segment, other_segment
from macbert.examples.packing import PackedRows
from macbert.examples.reading import TokenTable
from macbert.masking.compiling import inner
from macbert.masking.draws import SENTENCE_ORDER, below, draw, epoch_key, number_key
from macbert.masking.marks import EDGE, TEXT, WORD
from macbert.masking.processor import prefetch, prefetch_at
from macbert.masking.vectors import copy_eight, count_eight, fill_eight, mark_eight
from tokenizer.addresses import int32_at, uint8_at, uint16_at, uint32_at

IN_ORDER, SWAPPED, NO_PAIR = 0, 1, -100
NEXT, ELSEWHERE = 0, 1

SENTENCE_PREDICTIONS = ("sop", "nsp", "none")
"""What a piece's label tells; a kernel knows it by its number here."""

_SOP, _NSP = 0, 1

_TOP_BIT = np.uint64(63)

# Bytes of a line of the processor's cache.
_LINE = 64

# Rows whose memory is asked for before it is read: by then it has come.
_AHEAD = 8

# Slots behind the last row that may be written: see ``SlotArrays``.
SPARE_SLOTS = 8


class SlotArrays(NamedTuple):
    """What is written for each slot of B rows: (B * L + SPARE_SLOTS,) each, eight slots at a time, so that beyond the
    last row there is written too."""

    input_ids: NDArray[np.int64]
    token_type_ids: NDArray[np.int64]
    position_ids: NDArray[np.int64]
    piece_ids: NDArray[np.int64]
    marks: NDArray[np.uint8]


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
def lay_rows(table, index, special, prediction, rows, seed, epoch, length, slots, cls_positions, sop_labels):  # type: ignore[no-untyped-def]
    """Write rows, every slot of every output.

    Args:
        table: :class:`TokenTable`.
        index: :class:`RowIndex`.
        special: :class:`SpecialIds`.
        prediction: place in ``SENTENCE_PREDICTIONS``.
        rows: (B,) int64 numbers of the rows.
        seed: of the sentence orders, or of the second segments.
        epoch: of the same.
        length: L, slots of a row.
        slots: :class:`SlotArrays`; a row's own slots are in order, one row after another.
        cls_positions: (B, P) int64.
        sop_labels: (B, P) int64.
    """
    common_key = epoch_key(seed, epoch, SENTENCE_ORDER)
    _ask_for_index(index, rows)
    for row in range(min(_AHEAD, len(rows))):
        _ask_for_tokens(table, index, rows[row])
    for row in range(len(rows)):
        if row + _AHEAD < len(rows):
            _ask_for_tokens(table, index, rows[row + _AHEAD])
        first = index.row_pieces[rows[row]]
        pieces = index.row_pieces[rows[row] + 1] - first
        slot = row * length
        for number in range(pieces):
            piece = first + number
            chunk, start = np.int64(index.pieces[piece, 0]), np.int64(index.pieces[piece, 1])
            tokens = np.int64(index.pieces[piece, 2])
            bit = table.sentence_bit[chunk]
            sentences = uint8_at(table.sentences[chunk], ((bit + start + tokens) >> 3) + 1)
            inner_starts = count_bits(sentences, bit + start + 1, bit + start + tokens)
            split, order = tokens, NO_PAIR
            other = Segment(chunk, np.int64(0), np.int64(0))
            if inner_starts:
                key = number_key(common_key, piece)
                split = find_bit(sentences, bit + start + 1, below(draw(key, 0), inner_starts)) - bit - start
                second = draw(key, 1) >> _TOP_BIT
                if prediction == _SOP:
                    order = SWAPPED if second else IN_ORDER
                elif prediction == _NSP:
                    other = other_segment(table, index, key, piece, tokens - split)
                    if other.high > other.low:
                        order = ELSEWHERE if second else NEXT
            begin = slot
            cls_positions[row, number] = begin - row * length
            sop_labels[row, number] = order
            _write_special(slots, slot, special.cls, 0, 0, number + 1)
            slot += 1
            for segment in range(2 if inner_starts else 1):
                taken = Segment(chunk, start, start + split)
                if segment == 1 and prediction == _NSP and order == ELSEWHERE:
                    taken = other
                elif (segment == 1) != (prediction == _SOP and order == SWAPPED):
                    taken = Segment(chunk, start + split, start + tokens)
                _copy(table, taken.chunk, taken.low, taken.high, slots, slot, segment, slot - begin, number + 1)
                slot += taken.high - taken.low
                _write_special(slots, slot, special.sep, segment, slot - begin, number + 1)
                slot += 1
        for padding in range(slot, (row + 1) * length):
            _write_special(slots, padding, special.pad, 0, 0, 0)
        cls_positions[row, pieces:] = 0
        sop_labels[row, pieces:] = NO_PAIR


@inner
def _ask_for_index(index, rows):  # type: ignore[no-untyped-def]
    """Ask for the memory that tells where the rows' tokens are."""
    for row in range(len(rows)):
        prefetch(index.row_pieces, rows[row])
    for row in range(len(rows)):
        prefetch(index.pieces, index.row_pieces[rows[row]])


@inner
def _ask_for_tokens(table, index, row):  # type: ignore[no-untyped-def]
    """Ask for the memory that a row's tokens lie in: what laying a row does next depends on what it reads, so that it
    would wait for each piece of it."""
    for piece in range(index.row_pieces[row], index.row_pieces[row + 1]):
        chunk, start, tokens = index.pieces[piece, 0], np.int64(index.pieces[piece, 1]), index.pieces[piece, 2]
        size = 4 if table.wide[chunk] else 2
        first, last = table.ids[chunk] + size * start, table.ids[chunk] + size * (start + tokens - 1)
        for address in range(first, last, _LINE):
            prefetch_at(address)
        prefetch_at(last)
        prefetch_at(table.words[chunk] + ((table.word_bit[chunk] + start) >> 3))
        prefetch_at(table.sentences[chunk] + ((table.sentence_bit[chunk] + start) >> 3))


@inner
def _write_special(slots, slot, token, segment, position, piece):  # type: ignore[no-untyped-def]
    slots.input_ids[slot] = token
    slots.token_type_ids[slot] = segment
    slots.position_ids[slot] = position
    slots.piece_ids[slot] = piece
    slots.marks[slot] = 0


@njit(nogil=True, forceinline=True)
def _copy(table, chunk, low, high, slots, slot, segment, position, piece):  # type: ignore[no-untyped-def]
    """Write the tokens ``low:high`` of a chunk to the slots from ``slot`` on; behind them, up to seven slots more."""
    size, wide = table.tokens[chunk], table.wide[chunk]
    narrow_ids, wide_ids = uint16_at(table.ids[chunk], size), uint32_at(table.ids[chunk], size)
    word_bit, sentence_bit = table.word_bit[chunk], table.sentence_bit[chunk]
    words = uint8_at(table.words[chunk], ((word_bit + size) >> 3) + 1)
    sentences = uint8_at(table.sentences[chunk], ((sentence_bit + size) >> 3) + 1)
    for token in range(low, high, 8):
        here = slot + token - low
        if token + 8 <= size:
            if wide:
                copy_eight(slots.input_ids, here, wide_ids, token)
            else:
                copy_eight(slots.input_ids, here, narrow_ids, token)
            mark_eight(
                slots.marks, here, eight_bits(words, word_bit + token), eight_bits(sentences, sentence_bit + token)
            )
        else:  # no eight tokens are left in the chunk
            for last in range(token, high):
                slots.input_ids[here + last - token] = wide_ids[last] if wide else narrow_ids[last]
                word, edge = one_bit(words, word_bit + last), one_bit(sentences, sentence_bit + last)
                slots.marks[here + last - token] = TEXT | word * WORD | edge * EDGE
        fill_eight(slots.token_type_ids, here, segment)
        count_eight(slots.position_ids, here, position + token - low)
        fill_eight(slots.piece_ids, here, piece)
    slots.marks[slot] = TEXT | WORD | EDGE
