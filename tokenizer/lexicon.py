"""The words of a corpus with their counts: what random replacements are drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import Problem, UserError
from corpus.files import atomic_file
from tokenizer.chinese import ChineseTokenizer
from tokenizer.word_table import MAX_WORD_TOKENS, WordTable

LEXICON_NAME = "lexicon.tsv"

# A billion-word corpus has millions of names and numbers seen once; half a million words are 99 % of all text.
MAX_WORDS = 500_000


class Lexicon:
    """Words, most frequent first, with their tokens.

    Words with [UNK] or a special token, and words of only punctuation and symbols, are not in it.

    Attributes:
        words: W strings as the tokenizer normalises them (lower case for an uncased one).
        counts: (W,) int64 occurrences in the corpus.
        ids: flat int32; word w is ``ids[offsets[w]:offsets[w + 1]]``.
        offsets: (W + 1,) int64.
    """

    def __init__(
        self, words: list[str], counts: NDArray[np.int64], ids: NDArray[np.int32], offsets: NDArray[np.int64]
    ) -> None:
        self.words, self.counts, self.ids, self.offsets = words, counts, ids, offsets

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def from_counts(cls, words: list[str], counts: NDArray[np.int64], tokenizer: ChineseTokenizer) -> Lexicon:
        """Return the lexicon of words given as text; those the tokenizer cannot write exactly are left out."""
        encoded = tokenizer.encode_batch(words)
        kept = np.flatnonzero(_drawable(encoded.input_ids, encoded.bounds, tokenizer))
        return cls([words[n] for n in kept], counts[kept], *_take(encoded.input_ids, encoded.bounds, kept))

    @classmethod
    def from_table(cls, table: WordTable, tokenizer: ChineseTokenizer) -> Lexicon:
        """Return the lexicon of counted words: the most frequent 500,000, ties by their token ids.

        A word whose text reads back as other tokens is left out: it would be another word.
        """
        order = word_order(table)[:MAX_WORDS]
        ids, offsets = _take(table.ids, table.offsets, order)
        words = tokenizer.decode_words(ids, offsets)
        encoded = tokenizer.encode_batch(words)
        fine = np.diff(encoded.bounds) == np.diff(offsets)
        fine &= _drawable(ids, offsets, tokenizer)
        rows = np.flatnonzero(fine)
        same = _take(encoded.input_ids, encoded.bounds, rows)[0] == (taken := _take(ids, offsets, rows))[0]
        if len(rows):
            rows = rows[np.logical_and.reduceat(same, taken[1][:-1])]
        # Two words may have one text (as "a ##b" and "ab"); only one of them reads back.
        return cls([words[row] for row in rows], table.counts[order][rows], *_take(ids, offsets, rows))

    @classmethod
    def load(cls, folder: str | Path, tokenizer: ChineseTokenizer) -> Lexicon:
        """Read ``lexicon.tsv`` of a tokenizer folder (or that file itself): ``word<TAB>count`` lines.

        Raises:
            UserError: the file is missing, or lines are not of this form (all listed).
        """
        path = Path(folder) / LEXICON_NAME if Path(folder).is_dir() else Path(folder)
        if not path.is_file():
            fix = "train a tokenizer, or encode a corpus with this one: both write it"
            raise UserError.at(path, expected="a lexicon (word, tab, count)", found="no file", fix=fix)
        words, counts, problems = [], [], []
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            word, tab, count = line.rpartition("\t")
            if not line:
                continue
            if not (tab and word and count.isascii() and count.isdigit()):
                problems.append(Problem(f"{path}:{number}", "word, tab, count", repr(line[:40]), "mend the line"))
                continue
            words.append(word)
            counts.append(int(count))
        if problems:
            raise UserError(*problems[:20])
        return cls.from_counts(words, np.array(counts, np.int64), tokenizer)

    def save(self, folder: str | Path) -> None:
        """Write ``lexicon.tsv`` into a folder."""
        with atomic_file(Path(folder) / LEXICON_NAME) as stream:
            stream.writelines(f"{word}\t{count}\n" for word, count in zip(self.words, self.counts, strict=True))


def word_order(table: WordTable) -> NDArray[np.int64]:
    """Return the table's words, most frequent first, ties by token ids: the same for any order of counting."""
    lengths = np.diff(table.offsets)
    padded = np.full((len(table), MAX_WORD_TOKENS), -1, np.int32)
    padded[np.arange(MAX_WORD_TOKENS) < lengths[:, None]] = table.ids
    return np.lexsort((*padded.T[::-1], -table.counts))


def _drawable(ids: NDArray[np.int32], offsets: NDArray[np.int64], tokenizer: ChineseTokenizer) -> NDArray[np.bool_]:
    """Return (W,) bool: words with tokens, none of them special and not all of them symbols."""
    vocabulary = tokenizer.vocabulary
    lengths = np.diff(offsets)

    def count(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.diff(np.append(0, np.cumsum(mask[ids]))[offsets])

    return (lengths > 0) & (count(vocabulary.special_mask) == 0) & (count(vocabulary.symbol_mask) < lengths)


def _take(
    ids: NDArray[np.int32], offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return flat ids and offsets of some words, in the order given."""
    lengths = np.diff(offsets)[rows]
    ends = np.append(0, np.cumsum(lengths))
    places = np.repeat(offsets[rows] - ends[:-1], lengths) + np.arange(ends[-1])
    return ids[places], ends
