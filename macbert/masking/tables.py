"""What replacements are drawn from, as flat arrays: token classes, similar words by hash, random words by length."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from corpus.errors import UserError
from macbert.masking.compiling import inner
from macbert.masking.vectors import largest_below

if TYPE_CHECKING:
    from tokenizer import ChineseTokenizer, Lexicon, SimilarWords

# Kinds of tokens, each with so many bits of a number in which tokens are counted. NEVER: [UNK] and the special ones.
KIND_BITS = 20
ORDINARY, SYMBOL, NEVER = range(3)

# Candidates with more tokens than this are never drawn: no word of a lexicon is so long, URLs are.
MAX_RANDOM_TOKENS = 64

# Ids of 16 bits, and entries of a bucket, in a line of the processor's cache.
_LINE = 32
ENTRIES = 16

_BASE = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)


class MaskingTables(NamedTuple):
    """Flat arrays that the kernels read; few, since a kernel's call copies the head of each array it is given.

    A word with similar ones is a record in ``store``: its tokens n, its candidates k, its n ids, then k times n ids: a
    single place in memory, never the first. The lower bits of its hash lead to a bucket, ENTRIES numbers in a line of
    memory that are compared at once: an entry has the place of a record in its lower ``place_bits`` bits and, as far
    as there are more, upper bits of the hash, so that hardly ever another word's record is read; 0 is no entry.
    ``classes`` has each token's kind times KIND_BITS. Random words of n tokens stand back to back, ``random[1, n]`` of
    them from ``random[0, n]`` on; n = 0 are the ordinary single tokens.
    """

    classes: NDArray[np.uint8]
    buckets: NDArray[np.uint32]
    store: NDArray[np.uint16] | NDArray[np.int32]
    random: NDArray[np.int64]
    place_bits: int


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
    kinds = np.where(vocabulary.symbol_mask, SYMBOL, ORDINARY).astype(np.uint8)
    kinds[vocabulary.special_mask] = NEVER
    kinds[tokenizer.unk_id] = NEVER
    ordinary = np.flatnonzero(kinds < NEVER).astype(np.int32)
    words, random = _random_words(lexicon, kinds)
    random += len(ordinary) * (np.arange(2) == 0)[:, None]
    random[:, 0] = 0, len(ordinary)
    store, place_bits = np.concatenate([ordinary, words]), 0
    buckets: NDArray[np.uint32] = np.zeros((1, ENTRIES), np.uint32)
    if similar is not None:
        _check_similar(similar, kinds)
        word_offsets, candidate_offsets = _own(similar.word_offsets), _own(similar.candidate_offsets)
        lengths, candidates = np.diff(word_offsets), np.diff(candidate_offsets)
        places = _places(max(len(store), 1), 2 + lengths * (1 + candidates))
        if places[-1] >= 1 << 31:
            found, fix = f"{places[-1]:,} token ids", "keep fewer candidates (macbert tokenizer similar --top-k)"
            raise UserError.at("similar words", expected="less than 2**31 token ids", found=found, fix=fix)
        place_bits = int(places[-1]).bit_length()
        store = np.concatenate([store, np.zeros(places[-1] - len(store), np.int32)])
        word_ids, candidate_ids = _own(similar.word_ids, np.int32), _own(similar.candidate_ids, np.int32)
        _write_records(store, places, word_ids, word_offsets, candidate_ids, candidates)
        buckets = _fill_buckets(place_bits, places, word_ids, word_offsets, candidates)
    narrow = len(kinds) <= 1 << 16 and store.max(initial=0) < 1 << 16
    classes = kinds * np.uint8(KIND_BITS)
    return MaskingTables(
        classes,
        _at_line(buckets.ravel(), np.uint32),
        _at_line(store, np.uint16 if narrow else np.int32),
        random,
        place_bits,
    )


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


def _at_line(store: NDArray, dtype: type) -> NDArray:
    """Return a copy that begins at a line of the processor's cache."""
    whole: NDArray = np.zeros(len(store) + 64, dtype)
    skipped = -whole.ctypes.data % 64 // whole.itemsize
    aligned: NDArray = whole[skipped : skipped + len(store)]
    aligned[:] = store
    return aligned


def _check_similar(similar: SimilarWords, kinds: NDArray[np.uint8]) -> None:
    tokens = int((np.diff(similar.word_offsets) * np.diff(similar.candidate_offsets)).sum())
    known = all(((ids >= 0) & (ids < len(kinds))).all() for ids in (similar.word_ids, similar.candidate_ids))
    if tokens != len(similar.candidate_ids) or not known or (kinds[similar.candidate_ids] == NEVER).any():
        raise UserError.at(
            "similar words",
            expected="a table made with this tokenizer",
            found="ids that its vocabulary lacks or keeps for special tokens",
            fix="build it again: macbert tokenizer similar --tokenizer THIS_ONE",
        )


def _own(values: NDArray, dtype: type = np.int64) -> NDArray:
    # A copy: memory-mapped arrays are read-only, for which numba would compile every kernel a second time.
    return np.array(values, dtype, order="C")


def _random_words(lexicon: Lexicon | None, kinds: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the lexicon's distinct words without special tokens, by length, in order of their ids."""
    random = np.zeros((2, MAX_RANDOM_TOKENS + 1), np.int64)
    parts = [np.zeros(0, np.int32)]
    if lexicon is None or len(lexicon.offsets) < 2:
        return parts[0], random
    ids, offsets = _own(lexicon.ids, np.int32), _own(lexicon.offsets)
    if ((ids < 0) | (ids >= len(kinds))).any():
        found, fix = "ids that its vocabulary lacks", "use the tokenizer folder that the lexicon came with"
        raise UserError.at("lexicon", expected="words in this tokenizer's ids", found=found, fix=fix)
    lengths = np.diff(offsets)
    special = np.add.reduceat(np.append(kinds[ids] == NEVER, False), offsets[:-1]) > 0
    for length in range(1, MAX_RANDOM_TOKENS + 1):
        rows = offsets[:-1][(lengths == length) & ~special]
        # Two spellings of the same ids are one word here: otherwise a word could be replaced by itself.
        words = np.unique(ids[rows[:, None] + np.arange(length)], axis=0).astype(np.int32)
        random[:, length] = sum(map(len, parts)), len(words)
        parts.append(words.ravel())
    return np.concatenate(parts), random


@njit(nogil=True, inline="always")
def hash_word(ids, first, size):  # type: ignore[no-untyped-def]
    """Return the 64-bit hash of a word's ids, a polynomial in them, mixed; for one or two tokens without a branch."""
    total = np.uint64(0)
    if size:
        second = np.int64(size > 1)
        total = np.uint64(ids[first]) + np.uint64(ids[first + second]) * (_BASE * np.uint64(second))
    power = _BASE
    for step in range(2, size):
        power *= _BASE
        total += np.uint64(ids[first + step]) * power
    return _mixed(total)


@inner
def bucket_of(tables, code):  # type: ignore[no-untyped-def]
    """Return the place of the first entry of the bucket that a hash leads to."""
    return ENTRIES * np.int64(code & np.uint64(len(tables.buckets) // ENTRIES - 1))


@inner
def likely_record(tables, code):  # type: ignore[no-untyped-def]
    """Return the place of the record that a hash leads to, or 0; it may be another word's."""
    mask = np.int64((1 << tables.place_bits) - 1)
    # Where the upper bits are the same, what is left is the place.
    return largest_below(tables.buckets, bucket_of(tables, code), np.int64(code >> _SHIFT) & ~mask, mask)


@njit(nogil=True)
def find_record(tables, code, ids, first, size):  # type: ignore[no-untyped-def]
    """Return the place of a word's record, or 0."""
    bucket = bucket_of(tables, code)
    for number in range(ENTRIES):
        record = np.int64(tables.buckets[bucket + number]) & ((1 << tables.place_bits) - 1)
        if record and is_record_of(tables.store, record, ids, first, size):
            return record
    return np.int64(0)


@inner
def is_record_of(store, record, ids, first, size):  # type: ignore[no-untyped-def]
    """Return whether a record is that of the word at a place of a row."""
    # Both are looked at: which of them differs is not worth a guess.
    return (store[record] == size) & same_ids(store, record + 2, ids, first, size)


@inner
def same_ids(one, one_start, other, other_start, size):  # type: ignore[no-untyped-def]
    """Return whether two words of a size are the same; of one or two tokens, as most are, without a branch."""
    second = np.int64(size > 1)
    same = np.int64(one[one_start] == other[other_start])
    same &= np.int64(one[one_start + second] == other[other_start + second])
    for step in range(2, size):
        same &= np.int64(one[one_start + step] == other[other_start + step])
    return same != 0


@njit(nogil=True, inline="always")
def _mixed(bits):  # type: ignore[no-untyped-def]
    bits = (bits ^ (bits >> _SHIFT)) * _PRIME
    return bits ^ (bits >> _SHIFT)


@njit(nogil=True)
def _write_records(store, places, word_ids, word_offsets, candidate_ids, candidates):  # type: ignore[no-untyped-def]
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


def _fill_buckets(
    place_bits: int,
    places: NDArray[np.int64],
    word_ids: NDArray[np.int32],
    word_offsets: NDArray[np.int64],
    candidates: NDArray[np.int64],
) -> NDArray[np.uint32]:
    """Return buckets of which none is too full: half full on average, or less if that is not enough."""
    many = 1 << (2 * len(candidates) // ENTRIES).bit_length()
    while True:
        buckets = np.zeros((many, ENTRIES), np.uint32)
        if _enter_records(buckets, place_bits, places, word_ids, word_offsets, candidates):
            return buckets
        many *= 2


@njit(nogil=True)
def _enter_records(buckets, place_bits, places, word_ids, word_offsets, candidates):  # type: ignore[no-untyped-def]
    """Write an entry for each word that has candidates; return whether every bucket had room."""
    for word in range(len(candidates)):
        code = hash_word(word_ids, word_offsets[word], word_offsets[word + 1] - word_offsets[word])
        bucket = np.int64(code & np.uint64(len(buckets) - 1))
        number = 0
        while number < ENTRIES and buckets[bucket, number]:
            number += 1
        if candidates[word]:
            if number == ENTRIES:
                return False
            buckets[bucket, number] = (np.int64(code >> _SHIFT) >> place_bits << place_bits) | places[word]
    return True
