"""The words of a corpus with their counts: what random replacements are drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import Problem, UserError
from corpus.files import atomic_file
from tokenizer.chinese import ChineseTokenizer
from tokenizer.word_table import WordTable

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
        bad = tokenizer.vocabulary.special_mask[encoded.input_ids]
        symbol = tokenizer.vocabulary.symbol_mask[encoded.input_ids]
        kept = []
        for number in range(len(words)):
            tokens = slice(encoded.bounds[number], encoded.bounds[number + 1])
            if tokens.start < tokens.stop and not bad[tokens].any() and not symbol[tokens].all():
                kept.append(number)
        lengths = np.diff(encoded.bounds)[kept]
        offsets = np.zeros(len(kept) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        parts = [encoded.input_ids[encoded.bounds[n] : encoded.bounds[n + 1]] for n in kept]
        ids = np.concatenate([np.zeros(0, np.int32), *parts])
        return cls([words[n] for n in kept], counts[kept], ids, offsets)

    @classmethod
    def from_table(cls, table: WordTable, tokenizer: ChineseTokenizer) -> Lexicon:
        """Return the lexicon of counted words: the most frequent 500,000, ties by their token ids."""
        order = word_order(table)[:MAX_WORDS]
        words = [tokenizer.decode_word(table.ids[table.offsets[w] : table.offsets[w + 1]]) for w in order]
        lexicon = cls.from_counts(words, table.counts[order], tokenizer)
        # Text that reads back as other tokens would be another word: keep only those that read back as themselves.
        original: dict[str, bytes] = {}
        for word, w in zip(words, order, strict=True):
            original.setdefault(word, table.ids[table.offsets[w] : table.offsets[w + 1]].tobytes())
        rows: dict[str, int] = {}
        for row, word in enumerate(lexicon.words):
            tokens = lexicon.ids[lexicon.offsets[row] : lexicon.offsets[row + 1]]
            if tokens.tobytes() == original[word]:
                rows.setdefault(word, row)
        return lexicon._subset(list(rows.values()))

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

    def _subset(self, rows: list[int]) -> Lexicon:
        parts = [self.ids[self.offsets[w] : self.offsets[w + 1]] for w in rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        ids = np.concatenate([np.zeros(0, np.int32), *parts])
        return Lexicon([self.words[w] for w in rows], self.counts[rows], ids, offsets)


def word_order(table: WordTable) -> NDArray[np.int64]:
    """Return the table's words, most frequent first, ties by token ids: the same for any order of counting."""
    keys = [tuple(table.ids[table.offsets[w] : table.offsets[w + 1]].tolist()) for w in range(len(table))]
    counts = table.counts.tolist()
    return np.array(sorted(range(len(table)), key=lambda w: (-counts[w], keys[w])), np.int64)
