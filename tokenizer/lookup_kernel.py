"""The kernels of encoding: one table look-up a Chinese character, steps through a table for plain letters and digits,
one hash look-up for any other run of characters."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from tokenizer.addresses import address_of, int8_at, int32_at, int64_at, uint8_at, uint32_at, uint64_at
from tokenizer.ascii_pieces import MAX_RUN_CHARACTERS, AsciiPieces
from tokenizer.run_table import RunTable, slot_of
from tokenizer.wordpiece import IN_RUN, PLAIN, SPACE, UNSEEN

# What a kernel found besides tokens.
DONE, NEW_CHARACTERS, NEW_RUNS, FULL = 0, 1, 2, 3

UNICODE_SIZE = sys.maxunicode + 1

# Words of letters and digits as they were cut last, found by their key: the columns of at most ten characters, each
# plus one, in six bits each. Cutting a word again costs ten times as much as finding it (11 % of English news are words
# of several pieces). A slot has 64 bytes, one line of the processor's cache: the key, the number of pieces, at _ENDS
# the end of each, at _TOKENS their tokens. 16,384 slots fit the second-level cache.
#
# The kernels write here, so they keep Python's lock: two threads never write one slot at the same time.
MAX_SHORT_WORD = 10
_SLOT_BITS, _ENDS, _TOKENS = 14, 9, 24
_SIX, _GOLDEN, _TOP_BITS = np.uint64(6), np.uint64(0x9E3779B97F4A7C15), np.uint64(64 - _SLOT_BITS)


def empty_words() -> NDArray[np.uint64]:
    """Return the memory of short words, empty, beginning at a line of the processor's cache."""
    whole = np.zeros((1 << _SLOT_BITS) * 8 + 7, np.uint64)
    return whole[-(address_of(whole) // 8) % 8 :][: (1 << _SLOT_BITS) * 8]


def kernel_tables(
    classes: NDArray[np.int32], pieces: AsciiPieces, runs: RunTable, words: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Return the addresses and sizes that the kernels read, in the order of :func:`encode_texts`.

    They hold until an array of ``runs`` grows; the arrays must live as long.
    """
    arrays: list[NDArray] = [classes, pieces.columns, pieces.steps, words]
    arrays += [runs.slots, runs.keys, runs.key_ends, runs.values, runs.value_ends]
    return np.array([*(address_of(array) for array in arrays), pieces.width, pieces.unknown, len(runs.slots)], np.int64)


@njit()
def encode_text(code_points, tables, ids, offsets):  # type: ignore[no-untyped-def]
    """Write one text's ids and offsets; return how many, or -1 if anything is new or does not fit.

    Args:
        code_points: (N,) uint32.
        tables: from :func:`kernel_tables`.
        ids: (room,) int32.
        offsets: (room, 2) int32.
    """
    no_room = int64_at(tables[0], 0)
    state, count, _ = _encode(code_points, 0, len(code_points), tables, ids, offsets, 0, no_room, 0)
    return count if state == DONE else -1


@njit()
def encode_texts(code_points, bounds, tables, ids, offsets, token_bounds, new):  # type: ignore[no-untyped-def]
    """Write the ids and offsets of many texts.

    Args:
        code_points: (N,) uint32 of all texts, one after another.
        bounds: (texts + 1,) int64: text t is ``code_points[bounds[t]:bounds[t + 1]]``.
        tables: from :func:`kernel_tables`.
        ids: (room,) int32.
        offsets: (room, 2) int32, into each text.
        token_bounds: (texts + 1,) int64, written but for the first.
        new: (at least 2,) int64: gets the start and end of each run that the table lacks, as many as fit.

    Returns:
        DONE and the number of tokens; NEW_CHARACTERS; NEW_RUNS and how many; or FULL: the room is too small.
    """
    count = missed = 0
    for text in range(len(bounds) - 1):
        state, count, missed = _encode(
            code_points, bounds[text], bounds[text + 1], tables, ids, offsets, count, new, missed
        )
        if state != DONE and state != NEW_RUNS:
            return state, 0
        token_bounds[text + 1] = count
    return (NEW_RUNS, missed) if missed else (DONE, count)


@njit()
def _encode(code_points, first, end, tables, ids, offsets, count, new, missed):  # type: ignore[no-untyped-def]
    """Encode ``code_points[first:end]``; return the state, the tokens and the new runs so far."""
    classes = int32_at(tables[0], UNICODE_SIZE)
    room = len(ids)
    place = first
    while place < end:
        point = code_points[place]
        token = classes[point]
        if token >= 0:
            if count >= room:
                return FULL, count, missed
            ids[count] = token
            offsets[count, 0] = place - first
            offsets[count, 1] = place - first + 1
            count += 1
            place += 1
            continue
        if token == SPACE:
            place += 1
            continue
        start = place
        key = np.uint64(0)
        while token <= PLAIN:
            key = (key << _SIX) | np.uint64(PLAIN + 1 - token)
            place += 1
            if place == end:
                break
            token = classes[code_points[place]]
        plain = token != IN_RUN or place == end
        while place < end and (token == IN_RUN or token <= PLAIN):
            place += 1
            if place < end:
                token = classes[code_points[place]]
        if token == UNSEEN:
            return NEW_CHARACTERS, count, missed
        if plain:
            if count + place - start > room:
                return FULL, count, missed
            if place - start <= MAX_SHORT_WORD:
                count = _write_word(code_points, start, place, first, key, tables, ids, offsets, count)
                continue
            count = _write_pieces(code_points, start, place, first, tables, ids, offsets, count)
            continue
        entry = _find_run(code_points, start, place, tables)
        if entry < 0:
            if 2 * missed + 1 >= len(new):
                return NEW_RUNS, count, missed
            new[2 * missed] = start
            new[2 * missed + 1] = place
            missed += 1
            continue
        value_ends = int64_at(tables[8], entry + 2)
        values = int32_at(tables[7], 3 * value_ends[entry + 1])
        for value in range(value_ends[entry], value_ends[entry + 1]):
            if count >= room:
                return FULL, count, missed
            ids[count] = values[3 * value]
            offsets[count, 0] = values[3 * value + 1] + start - first
            offsets[count, 1] = values[3 * value + 2] + start - first
            count += 1
    return NEW_RUNS if missed else DONE, count, missed


@njit(inline="always")
def _write_word(code_points, start, end, first, key, tables, ids, offsets, count):  # type: ignore[no-untyped-def]
    """Write the pieces of a short word as it was cut before, or cut it and keep that; return the tokens so far."""
    keys, ends, tokens = uint64_at(tables[3], 1), uint8_at(tables[3], 1), int32_at(tables[3], 1)
    slot = np.int64((key * _GOLDEN) >> _TOP_BITS)
    end_place, token_place = slot * 64 + _ENDS, slot * 16 + _TOKENS // 4
    if keys[slot * 8] == key:
        begin = start - first
        for piece in range(ends[end_place - 1]):
            after = start - first + ends[end_place + piece]
            ids[count] = tokens[token_place + piece]
            offsets[count, 0] = begin
            offsets[count, 1] = after
            begin = after
            count += 1
        return count
    done = _write_pieces(code_points, start, end, first, tables, ids, offsets, count)
    keys[slot * 8] = key
    ends[end_place - 1] = done - count
    for piece in range(done - count):
        ends[end_place + piece] = offsets[count + piece, 1] + first - start
        tokens[token_place + piece] = ids[count + piece]
    return done


@njit(nogil=True, inline="always")
def _write_pieces(code_points, start, end, first, tables, ids, offsets, count):  # type: ignore[no-untyped-def]
    """Write the pieces of a run of letters and digits, longest first; return the tokens so far."""
    width = tables[9]
    columns, steps = int8_at(tables[1], 128), int32_at(tables[2], width)
    written = count
    begin = start
    whole = end - start <= MAX_RUN_CHARACTERS
    while begin < end and whole:
        node = np.int64(0) if begin == start else width
        token = -1
        after = begin
        for place in range(begin, end):
            node = np.int64(steps[node + columns[code_points[place]]])
            if node < 0:
                break
            if steps[node + width - 1] >= 0:
                token = steps[node + width - 1]
                after = place + 1
        if token < 0:
            whole = False
            break
        ids[written] = token
        offsets[written, 0] = begin - first
        offsets[written, 1] = after - first
        written += 1
        begin = after
    if whole:
        return written
    ids[count] = tables[10]
    offsets[count, 0] = start - first
    offsets[count, 1] = end - first
    return count + 1


@njit(nogil=True, inline="always")
def _find_run(code_points, start, end, tables):  # type: ignore[no-untyped-def]
    """Return the entry of a run, -1 if there is none."""
    size = tables[11]
    slots, keys, key_ends = int64_at(tables[4], size), uint32_at(tables[5], 1), int64_at(tables[6], 1)
    slot = slot_of(code_points, start, end, size)
    entry = slots[slot]
    while entry >= 0:
        key = key_ends[entry]
        if key_ends[entry + 1] - key == end - start:
            step = 0
            while step < end - start and keys[key + step] == code_points[start + step]:
                step += 1
            if step == end - start:
                break
        slot = (slot + 1) & (size - 1)
        entry = slots[slot]
    return entry
