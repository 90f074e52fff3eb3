"""The settings of the tokenizer commands, each with the line that is its flag's help."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from corpus.errors import Problem, UserError

SegmenterName = Literal["compiled", "rjieba", "jieba", "char"]


@dataclass(kw_only=True)
class TrainTokenizerConfig:
    """Settings of ``macbert tokenizer train``: a corpus to a WordPiece vocabulary and a lexicon of its words."""

    input: str
    """Corpus folder (made by 'macbert corpus build')."""

    output: str
    """Folder for vocab.txt, tokenizer files and lexicon.tsv."""

    vocab_size: int = 21128
    """Tokens in the vocabulary at most, special and unused ones included; 21128 as Google's Chinese BERT."""

    min_frequency: int = 2
    """Occurrences that a character or piece needs to become a token."""

    lowercase: bool = True
    """Uncased: letters become lower case and lose their accents."""

    unused: int = 99
    """Slots [unused1]..[unusedN] kept free for words added later; 99 as in Google's Chinese BERT."""

    segmenter: SegmenterName = "compiled"
    """Backend that cuts words for the lexicon: compiled (jieba's words, fastest), rjieba, jieba, or char."""

    user_dictionary: str | None = None
    """Words in jieba's format, a line 'word [frequency] [tag]' each, that the segmenter shall know too."""

    workers: int = 1
    """Processes; the result is the same bytes for any number."""

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        _check_paths(self, problems, "input", "output")
        _check(self, problems, "vocab_size", self.vocab_size >= 16 + self.unused, f"at least {16 + self.unused}")
        _check(self, problems, "min_frequency", self.min_frequency >= 1, "at least 1")
        _check(self, problems, "unused", self.unused >= 0, "0 or more")
        _check(self, problems, "workers", self.workers >= 1, "at least 1")
        _raise(problems)


@dataclass(kw_only=True)
class SimilarConfig:
    """Settings of ``macbert tokenizer similar``: word vectors of a corpus to the table of similar words."""

    input: str | None = None
    """Corpus folder to train word vectors on; leave out to use only --vectors or --thesaurus."""

    tokenizer: str
    """Tokenizer folder, vocab.txt or model folder whose tokens the words are made of."""

    output: str
    """Folder for the tokenizer with its similar-word table (may be the tokenizer folder itself)."""

    vectors: list[str] = field(default_factory=list)
    """Files of word vectors in word2vec format (text, or binary if it ends in .bin; .gz allowed), each FILE or
    FILE:WEIGHT."""

    thesaurus: str | None = None
    """Thesaurus in Cilin format, plain or compressed: a line 'Aa01A01= 词 词 ...'; lines marked = are synonyms."""

    reference: str | None = None
    """Thesaurus in Cilin format that the finished table is compared with, beside random words; not used to build it."""

    corpus_weight: float = 1.0
    """Weight of the corpus's vectors where several sources know a pair of words."""

    vectors_weight: float = 1.0
    """Weight of each file of --vectors that gives none itself."""

    thesaurus_weight: float = 1.0
    """Weight of --thesaurus, whose synonyms have similarity 1."""

    max_classes: int = 3
    """Classes of the thesaurus that a word may be in; words of more meanings get no synonyms from it."""

    max_words: int = 100_000
    """Words of a source that are compared with one another, most frequent first."""

    top_k: int = 10
    """Candidates of a word at most."""

    min_similarity: float = 0.5
    """Lowest cosine of a candidate, in [-1, 1]."""

    min_count: int = 5
    """Occurrences that a word needs in the corpus to get a vector."""

    vector_size: int = 100
    """Dimensions of the vectors trained on the corpus."""

    epochs: int = 5
    """Passes over the corpus when training vectors."""

    segmenter: SegmenterName = "compiled"
    """Backend that cuts words: compiled (jieba's words, fastest), rjieba, jieba, or char."""

    user_dictionary: str | None = None
    """Words in jieba's format, a line 'word [frequency] [tag]' each, that the segmenter shall know too."""

    seed: int = 0
    """Seed of the vectors trained on the corpus."""

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        _check_paths(self, problems, "tokenizer", "output")
        if not (self.input or self.vectors or self.thesaurus):
            expected = "--input, --vectors or --thesaurus"
            problems.append(Problem("--input", expected, "none of them", "name what the table is made from"))
        if isinstance(self.vectors, str):
            self.vectors = [self.vectors]
        for entry, (_, weight) in zip(self.vectors, self.vector_files(), strict=True):
            if not weight > 0:
                problems.append(Problem("--vectors", "a weight above 0", entry, "change the weight"))
        for name in ("corpus_weight", "vectors_weight", "thesaurus_weight"):
            _check(self, problems, name, getattr(self, name) > 0, "a number above 0")
        for name in ("max_classes", "max_words", "top_k"):
            _check(self, problems, name, getattr(self, name) >= 1, "at least 1")
        _check(self, problems, "min_similarity", -1 <= self.min_similarity <= 1, "a number in [-1, 1]")
        _check(self, problems, "min_count", self.min_count >= 1, "at least 1")
        _check(self, problems, "vector_size", self.vector_size >= 1, "at least 1")
        _check(self, problems, "epochs", self.epochs >= 1, "at least 1")
        _raise(problems)

    def vector_files(self) -> list[tuple[str, float]]:
        """Return the files of ``vectors`` with their weights; a colon that no number follows belongs to the path.

        >>> SimilarConfig(tokenizer="t", output="o", vectors=["新闻.txt:2", "法律.txt"]).vector_files()
        [('新闻.txt', 2.0), ('法律.txt', 1.0)]
        """
        found = []
        for entry in self.vectors:
            file, colon, weight = entry.rpartition(":")
            numbered = colon and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", weight)
            found.append((file, float(weight)) if numbered else (entry, self.vectors_weight))
        return found


@dataclass(kw_only=True)
class EncodeConfig:
    """Settings of ``macbert tokenizer encode``: a corpus to token ids with word and sentence starts."""

    input: str | None = None
    """Corpus folder (made by 'macbert corpus build')."""

    raw: list[str] = field(default_factory=list)
    """In place of --input: files, folders or patterns as 'macbert corpus build' reads them, for text that is clean
    already: nothing is normalised, filtered or deduplicated."""

    tokenizer: str
    """Tokenizer folder, vocab.txt or model folder."""

    output: str
    """Folder for the token documents."""

    text_key: str = "text"
    """With --raw: key or column that holds the text."""

    id_key: str = "id"
    """With --raw: key or column that holds a document's id; without one it is the source's name and the line."""

    txt_unit: Literal["blank-line", "line", "file"] = "blank-line"
    """With --raw: what a document is in a plain text file: text between blank lines, a line, or the whole file."""

    max_bad_ratio: float = 0.01
    """With --raw: share of damaged records, which are set aside, above which the command stops, 0 to 1."""

    append: bool = False
    """Keep the documents that the output holds, and add those of shards that it does not."""

    segmenter: SegmenterName = "compiled"
    """Backend that cuts words: compiled (jieba's words, fastest), rjieba, jieba, or char."""

    user_dictionary: str | None = None
    """Words in jieba's format, a line 'word [frequency] [tag]' each, that the segmenter shall know too."""

    workers: int = 1
    """Processes; the result is the same bytes for any number."""

    map_punctuation: bool = False
    """Write curly quotes, em dash and ellipsis that the vocabulary lacks as the ASCII signs like them, not as [UNK]."""

    heldout_fraction: float = 0.005
    """Share of each source's documents reserved for evaluation, by hash, in [0, 1)."""

    seed: int = 0
    """Seed of the hash that reserves documents."""

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        _check_paths(self, problems, "tokenizer", "output")
        if isinstance(self.raw, str):
            self.raw = [self.raw]
        if bool(self.input) == bool(self.raw):
            found = "both" if self.raw else "neither"
            problems.append(Problem("--input", "either --input or --raw", found, "name one of them"))
        _check(self, problems, "text_key", bool(self.text_key), "a key's name")
        _check(self, problems, "max_bad_ratio", 0 <= self.max_bad_ratio <= 1, "a share in [0, 1]")
        _check(self, problems, "workers", self.workers >= 1, "at least 1")
        _check(self, problems, "heldout_fraction", 0 <= self.heldout_fraction < 1, "a share in [0, 1)")
        _raise(problems)


@dataclass(kw_only=True)
class ExtendConfig:
    """Settings of ``macbert tokenizer extend``: new tokens for a model, with embedding rows."""

    model: str
    """Model folder (config.json, model.safetensors, tokenizer files)."""

    output: str
    """Folder for the changed model."""

    words: list[str] = field(default_factory=list)
    """New tokens: single characters, or words of letters and digits; never several Chinese characters."""

    words_file: str | None = None
    """File of new tokens, one a line; after a tab, a text whose pieces the new row is made from (default: the word)."""

    slots: Literal["unused", "new"] = "unused"
    """Where they go: into [unusedN] slots while there are any, or all into new rows."""

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        _check_paths(self, problems, "model", "output")
        _check(self, problems, "words", bool(self.words or self.words_file), "words, or --words-file")
        _raise(problems)


@dataclass(kw_only=True)
class TrimConfig:
    """Settings of ``macbert tokenizer trim``: remove the tokens of a model that no text can give."""

    model: str
    """Model folder (config.json, model.safetensors, tokenizer files)."""

    output: str
    """Folder for the changed model."""

    keep_unused: bool = True
    """Keep the [unusedN] slots for words added later."""

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        _check_paths(self, problems, "model", "output")
        _raise(problems)


def _check(config: Any, problems: list[Problem], name: str, fine: bool, expected: str) -> None:
    if not fine:
        flag = "--" + name.replace("_", "-")
        problems.append(Problem(flag, expected, repr(getattr(config, name)), f"change {flag}"))


def _check_paths(config: Any, problems: list[Problem], *names: str) -> None:
    for name in names:
        _check(config, problems, name, bool(getattr(config, name)), "a path")


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise UserError(*problems)
