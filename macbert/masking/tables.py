"""What replacements are drawn from, as flat arrays: token classes, similar words by hash, random words by length."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from corpus.errors import UserError

if TYPE_CHECKING:
    from tokenizer import ChineseTokenizer, Lexicon, SimilarWords

ORDINARY, SYMBOL, UNKNOWN, SPECIAL = 0, 1, 2, 3

# Candidates with more tokens than this are never drawn: no word of a lexicon is so long, URLs are.
MAX_RANDOM_TOKENS = 64

_START = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)


class MaskingTables(NamedTuple):
    """Flat arrays that the kernels read; a word is a row of token ids.

    Similar words: slot ``hash & (len(slots) - 1)`` and those after it hold the row of a word or -1; row w has the ids
    ``word_ids[word_offsets[w]:word_offsets[w + 1]]`` and ``candidate_counts[w]`` candidates of the same length, back to
    back from ``candidate_ids[candidate_starts[w]]``. Random words: the ``random_counts[n]`` words of n tokens stand
    back to back from ``random_ids[random_starts[n]]``.
    """

    classes: NDArray[np.uint8]
    ordinary: NDArray[np.int32]
    slots: NDArray[np.int32]
    word_ids: NDArray[np.int32]
    word_offsets: NDArray[np.int64]
    candidate_ids: NDArray[np.int32]
    candidate_starts: NDArray[np.int64]
    candidate_counts: NDArray[np.int32]
    random_ids: NDArray[np.int32]
    random_starts: NDArray[np.int64]
    random_counts: NDArray[np.int64]


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

    if similar is None:
        word_ids, word_offsets = np.zeros(0, np.int32), np.zeros(1, np.int64)
        candidate_ids, candidate_offsets = np.zeros(0, np.int32), np.zeros(1, np.int64)
    else:
        word_ids, candidate_ids = _own(similar.word_ids, np.int32), _own(similar.candidate_ids, np.int32)
        word_offsets, candidate_offsets = _own(similar.word_offsets), _own(similar.candidate_offsets)
    lengths = np.diff(word_offsets)
    candidate_counts = np.diff(candidate_offsets)
    ends = np.cumsum(lengths * candidate_counts)
    fits = (int(ends[-1]) if len(ends) else 0) == len(candidate_ids)
    known = all(((ids >= 0) & (ids < len(classes))).all() for ids in (word_ids, candidate_ids))
    if not fits or not known or (classes[candidate_ids] >= UNKNOWN).any():
        raise UserError.at(
            "similar words",
            expected="a table made with this tokenizer",
            found="ids that its vocabulary lacks or keeps for special tokens",
            fix="build it again: macbert tokenizer similar --tokenizer THIS_ONE",
        )

    slots = np.full(_slots_for(len(lengths)), -1, np.int32)
    _insert(slots, word_ids, word_offsets)
    random_ids, random_starts, random_counts = _random_words(lexicon, classes)
    return MaskingTables(
        classes=classes,
        ordinary=ordinary,
        slots=slots,
        word_ids=word_ids,
        word_offsets=word_offsets,
        candidate_ids=candidate_ids,
        candidate_starts=ends - lengths * candidate_counts,
        candidate_counts=candidate_counts.astype(np.int32),
        random_ids=random_ids,
        random_starts=random_starts,
        random_counts=random_counts,
    )


def _own(values: NDArray, dtype: type = np.int64) -> NDArray:
    # A copy: memory-mapped arrays are read-only, for which numba would compile every kernel a second time.
    return np.array(values, dtype, order="C")


def _slots_for(words: int) -> int:
    return 1 << max(1, (2 * words).bit_length())


def _random_words(lexicon: Lexicon | None, classes: NDArray[np.uint8]) -> tuple[NDArray, NDArray, NDArray]:
    """Return the lexicon's distinct words without special tokens, by length, in order of their ids."""
    starts = np.zeros(MAX_RANDOM_TOKENS + 2, np.int64)
    counts = np.zeros(MAX_RANDOM_TOKENS + 1, np.int64)
    if lexicon is None or len(lexicon.offsets) < 2:
        return np.zeros(0, np.int32), starts[:-1].copy(), counts
    ids, offsets = _own(lexicon.ids, np.int32), _own(lexicon.offsets)
    if ((ids < 0) | (ids >= len(classes))).any():
        found, fix = "ids that its vocabulary lacks", "use the tokenizer folder that the lexicon came with"
        raise UserError.at("lexicon", expected="words in this tokenizer's ids", found=found, fix=fix)
    lengths = np.diff(offsets)
    special = np.add.reduceat(np.append(classes[ids] >= UNKNOWN, False), offsets[:-1]) > 0
    parts = []
    for length in range(1, MAX_RANDOM_TOKENS + 1):
        rows = offsets[:-1][(lengths == length) & ~special]
        # Two spellings of the same ids are one word here: otherwise a word could be replaced by itself.
        words = np.unique(ids[rows[:, None] + np.arange(length)], axis=0)
        counts[length] = len(words)
        starts[length + 1] = starts[length] + words.size
        parts.append(words.ravel())
    return np.concatenate(parts).astype(np.int32), starts[:-1].copy(), counts


@njit(cache=True, nogil=True, inline="always")
def hash_word(ids, start, length):  # type: ignore[no-untyped-def]
    """Return the 64-bit hash of the ids of a word."""
    code = _START
    for place in range(start, start + length):
        code = (code ^ np.uint64(ids[place])) * _PRIME
    return code ^ (code >> _SHIFT)


@njit(cache=True, nogil=True)
def _insert(slots, word_ids, word_offsets):  # type: ignore[no-untyped-def]
    last = len(slots) - 1
    for word in range(len(word_offsets) - 1):
        start, end = word_offsets[word], word_offsets[word + 1]
        slot = np.int64(hash_word(word_ids, start, end - start) & np.uint64(last))
        while slots[slot] >= 0:
            slot = (slot + 1) & last
        slots[slot] = word
