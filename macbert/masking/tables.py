"""What replacements are drawn from, as flat arrays: token classes, similar words by hash, random words by length."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from corpus.errors import UserError

if TYPE_CHECKING:
    from tokenizer import ChineseTokenizer, Lexicon, SimilarWords

ORDINARY, SYMBOL, UNKNOWN, SPECIAL = 0, 1, 2, 3

# Candidates with more tokens than this are never drawn: no word of a lexicon is so long, URLs are.
MAX_RANDOM_TOKENS = 64

# Ids of 16 bits in a line of the processor's cache.
_LINE = 32

_START = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)


class MaskingTables(NamedTuple):
    """Flat arrays that the kernels read; few, since a kernel's call copies the head of each array it is given.

    A word with similar ones is a record in ``store``: its tokens n, its candidates k, its n ids, then k times n ids: a
    single place in memory. Its hash leads to it: slot ``hash & (len(slots) - 1)``, or one of those after it, holds the
    record's place; -1 ends the search. Random words of n tokens stand back to back, ``random[1, n]`` of them from
    ``random[0, n]`` on; n = 0 are the ordinary single tokens.
    """

    classes: NDArray[np.uint8]
    slots: NDArray[np.int32]
    store: NDArray[np.uint16] | NDArray[np.int32]
    random: NDArray[np.int64]


def masking_tables(
    tokenizer: ChineseTokenizer, similar: SimilarWords | None = None, lexicon: Lexicon | None = None
) -> MaskingTables:
    """Gather the tables.

    Args:
        tokenizer: whose ids the texts have.
        similar: similar words in these ids; None: no word has one.
        lexicon: words in these ids to draw random words from; None: random words are random tokens.

    Raises:
        UserError: a table has ids that this vocabulary lacks, or special tokens among its candidates.
    """
    vocabulary = tokenizer.vocabulary
    classes = np.where(vocabulary.symbol_mask, SYMBOL, ORDINARY).astype(np.uint8)
    classes[vocabulary.special_mask] = SPECIAL
    classes[tokenizer.unk_id] = UNKNOWN
    ordinary = np.flatnonzero(classes <= SYMBOL).astype(np.int32)
    words, random = _random_words(lexicon, classes)
    random += len(ordinary) * (np.arange(2) == 0)[:, None]
    random[:, 0] = 0, len(ordinary)
    store, slots = np.concatenate([ordinary, words]), np.full(2, -1, np.int32)
    if similar is not None:
        _check_similar(similar, classes)
        word_offsets, candidate_offsets = _own(similar.word_offsets), _own(similar.candidate_offsets)
        lengths, candidates = np.diff(word_offsets), np.diff(candidate_offsets)
        places = _places(len(store), 2 + lengths * (1 + candidates))
        if places[-1] >= 1 << 31:
            found, fix = f"{places[-1]:,} token ids", "keep fewer candidates (macbert tokenizer similar --top-k)"
            raise UserError.at("similar words", expected="less than 2**31 token ids", found=found, fix=fix)
        slots = np.full(1 << (2 * len(lengths) + 1).bit_length(), -1, np.int32)
        store = np.concatenate([store, np.zeros(places[-1] - len(store), np.int32)])
        word_ids, candidate_ids = _own(similar.word_ids, np.int32), _own(similar.candidate_ids, np.int32)
        _write_records(store, slots, places, word_ids, word_offsets, candidate_ids, candidates)
    narrow = len(classes) <= 1 << 16 and store.max(initial=0) < 1 << 16
    return MaskingTables(classes, slots, _at_line(store, np.uint16 if narrow else np.int32), random)


def _places(first: int, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where records begin, and where the last ends: one that fits a line of the cache lies in one line."""
    places = np.empty(len(sizes) + 1, np.int64)
    _set_places(first, sizes, places)
    return places


@njit(nogil=True)
def _set_places(first, sizes, places):  # type: ignore[no-untyped-def]
    place = first
    for record in range(len(sizes)):
        over = place % _LINE + sizes[record] - _LINE
        if sizes[record] <= _LINE and over > 0:
            place += _LINE - place % _LINE
        places[record] = place
        place += sizes[record]
    places[len(sizes)] = place


def _at_line(store: NDArray[np.int32], dtype: type) -> NDArray:
    """Return a copy that begins at a line of the processor's cache."""
    whole: NDArray = np.zeros(len(store) + 64, dtype)
    skipped = -whole.ctypes.data % 64 // whole.itemsize
    aligned: NDArray = whole[skipped : skipped + len(store)]
    aligned[:] = store
    return aligned


def _check_similar(similar: SimilarWords, classes: NDArray[np.uint8]) -> None:
    tokens = int((np.diff(similar.word_offsets) * np.diff(similar.candidate_offsets)).sum())
    known = all(((ids >= 0) & (ids < len(classes))).all() for ids in (similar.word_ids, similar.candidate_ids))
    if tokens != len(similar.candidate_ids) or not known or (classes[similar.candidate_ids] >= UNKNOWN).any():
        raise UserError.at(
            "similar words",
            expected="a table made with this tokenizer",
            found="ids that its vocabulary lacks or keeps for special tokens",
            fix="build it again: macbert tokenizer similar --tokenizer THIS_ONE",
        )


def _own(values: NDArray, dtype: type = np.int64) -> NDArray:
    # A copy: memory-mapped arrays are read-only, for which numba would compile every kernel a second time.
    return np.array(values, dtype, order="C")


def _random_words(lexicon: Lexicon | None, classes: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the lexicon's distinct words without special tokens, by length, in order of their ids."""
    random = np.zeros((2, MAX_RANDOM_TOKENS + 1), np.int64)
    parts = [np.zeros(0, np.int32)]
    if lexicon is None or len(lexicon.offsets) < 2:
        return parts[0], random
    ids, offsets = _own(lexicon.ids, np.int32), _own(lexicon.offsets)
    if ((ids < 0) | (ids >= len(classes))).any():
        found, fix = "ids that its vocabulary lacks", "use the tokenizer folder that the lexicon came with"
        raise UserError.at("lexicon", expected="words in this tokenizer's ids", found=found, fix=fix)
    lengths = np.diff(offsets)
    special = np.add.reduceat(np.append(classes[ids] >= UNKNOWN, False), offsets[:-1]) > 0
    for length in range(1, MAX_RANDOM_TOKENS + 1):
        rows = offsets[:-1][(lengths == length) & ~special]
        # Two spellings of the same ids are one word here: otherwise a word could be replaced by itself.
        words = np.unique(ids[rows[:, None] + np.arange(length)], axis=0).astype(np.int32)
        random[:, length] = sum(map(len, parts)), len(words)
        parts.append(words.ravel())
    return np.concatenate(parts), random


@njit(nogil=True, inline="always")
def hash_word(ids, start, length):  # type: ignore[no-untyped-def]
    """Return the 64-bit hash of the ids of a word."""
    code = _START
    for place in range(start, start + length):
        code = (code ^ np.uint64(ids[place])) * _PRIME
    return code ^ (code >> _SHIFT)


@njit(nogil=True)
def _write_records(store, slots, places, word_ids, word_offsets, candidate_ids, candidates):  # type: ignore[no-untyped-def]
    last = len(slots) - 1
    taken = 0
    for word in range(len(candidates)):
        place, start = places[word], word_offsets[word]
        size = word_offsets[word + 1] - start
        tokens = candidates[word] * size
        store[place] = size
        store[place + 1] = candidates[word]
        store[place + 2 : place + 2 + size] = word_ids[start : start + size]
        store[place + 2 + size : place + 2 + size + tokens] = candidate_ids[taken : taken + tokens]
        taken += tokens
        slot = np.int64(hash_word(word_ids, start, size) & np.uint64(last))
        while slots[slot] >= 0:
            slot = (slot + 1) & last
        slots[slot] = place
