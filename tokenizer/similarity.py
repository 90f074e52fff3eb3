"""Where similar words come from: vectors trained on a corpus, vectors of a file, a thesaurus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import Problem, UserError
from corpus.readers.compression import read_bytes
from tokenizer.chinese import ChineseTokenizer
from tokenizer.lexicon import Lexicon

# Rows of the similarity matrix held at once: 256 x 200,000 words in float32 are 200 MB.
BLOCK_ROWS = 256

SYNONYM = 1.0


@dataclass(frozen=True)
class Neighbours:
    """Similar words of each word of one source: word -> {candidate: similarity}, as text."""

    name: str
    weight: float
    known: frozenset[str]
    """Words that the source has anything to say about."""

    similar: dict[str, dict[str, float]]

    unlisted: float | None = None
    """What a pair counts that the source does not list though it knows both words; None: the source says nothing."""


def train_vectors(
    sentences: Iterable[Sequence[str]], *, min_count: int, vector_size: int, epochs: int, seed: int
) -> tuple[list[str], NDArray[np.float32]]:
    """Return words and their skip-gram word2vec vectors (W, vector_size), trained on one thread so that the same
    sentences and seed give the same vectors."""
    from gensim.models import Word2Vec

    model = Word2Vec(vector_size=vector_size, min_count=min_count, window=5, sg=1, negative=5, workers=1, seed=seed)
    model.build_vocab(sentences)
    if not len(model.wv):
        return [], np.zeros((0, vector_size), np.float32)
    model.train(sentences, total_examples=model.corpus_count, epochs=epochs)
    return list(model.wv.index_to_key), model.wv.vectors


def read_vectors(path: str | Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return words and vectors of a word2vec-format file: text, or binary if its name ends in .bin or .bin.gz.

    Raises:
        UserError: no such file, or not this format.
    """
    from gensim.models import KeyedVectors

    path = Path(path)
    if not path.is_file():
        raise UserError.at(path, expected="a file of word vectors", found="no file", fix="check --vectors")
    binary = path.name.removesuffix(".gz").endswith(".bin")
    try:
        vectors = KeyedVectors.load_word2vec_format(str(path), binary=binary, unicode_errors="ignore")
    except (ValueError, EOFError, UnicodeDecodeError) as error:
        kind = "binary" if binary else "text"
        raise UserError.at(
            path,
            expected=f"word2vec {kind} format (first line: number of words and dimensions)",
            found=str(error)[:80],
            fix="name binary files .bin, text files otherwise",
        ) from None
    return list(vectors.index_to_key), vectors.vectors


def read_thesaurus(path: str | Path) -> list[list[str]]:
    """Return the synonym classes of a Cilin-format file (UTF-8 or GB18030; may be compressed): the lines marked ``=``.

    Lines marked ``#`` (related words) and ``@`` (words without synonyms) are read and left out.

    Raises:
        UserError: lines of another form, all listed; a compressed file that is cut.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError.at(path, expected="a thesaurus in Cilin format", found="no file", fix="check --thesaurus")
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    classes, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        code, *words = fields
        if code[-1] not in "=#@" or not words or "\ufffd" in line:
            found = repr(line[:30])
            problems.append(Problem(f"{path}:{number}", "'CODE= word word ...'", found, "mend or delete the line"))
        elif code[-1] == "=":
            classes.append(words)
    if not classes and not problems:
        problems.append(Problem(str(path), "lines 'Aa01A01= word word ...'", "none", "check the file"))
    if problems:
        raise UserError(*problems[:20])
    return classes


def neighbours_of_vectors(
    name: str,
    weight: float,
    words: list[str],
    vectors: NDArray[np.float32],
    tokenizer: ChineseTokenizer,
    *,
    top: int,
    floor: float,
) -> Neighbours:
    """Return each word's nearest words of the same number of tokens, by cosine."""
    lexicon = Lexicon.from_counts(words, np.arange(len(words)), tokenizer)
    rows = lexicon.counts  # from_counts keeps what it is given beside each word: here the vector's row
    lengths = np.diff(lexicon.offsets)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    similar: dict[str, dict[str, float]] = {}
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        keys = lexicon.ids[lexicon.offsets[members, None] + np.arange(length)]
        # The first of several spellings with the same tokens stands for all: files list frequent words first.
        _, first = np.unique(keys, axis=0, return_index=True)
        members = members[np.sort(first)]
        if len(members) < 2:
            continue
        matrix = np.ascontiguousarray(unit[rows[members]])
        for start in range(0, len(members), BLOCK_ROWS):
            block = matrix[start : start + BLOCK_ROWS] @ matrix.T
            for row, best in _best(block, start, top, floor):
                word = lexicon.words[members[start + row]]
                similar[word] = {lexicon.words[members[column]]: score for column, score in best}
    return Neighbours(name, weight, frozenset(lexicon.words), similar, floor)


def neighbours_of_thesaurus(
    name: str, weight: float, classes: list[list[str]], tokenizer: ChineseTokenizer, *, max_classes: int
) -> Neighbours:
    """Return each word's synonyms of the same number of tokens, with similarity 1.

    A word in more than ``max_classes`` classes has too many meanings: none of them is likely to be the text's.
    """
    counts = Counter(word for words in classes for word in {*words})
    classes = [[word for word in words if counts[word] <= max_classes] for words in classes]
    every = list(dict.fromkeys(word for words in classes for word in words))
    lexicon = Lexicon.from_counts(every, np.arange(len(every)), tokenizer)
    ids = {
        word: lexicon.ids[lexicon.offsets[row] : lexicon.offsets[row + 1]].tobytes()
        for row, word in enumerate(lexicon.words)
    }
    similar: dict[str, dict[str, float]] = {}
    for words in classes:
        for word in words:
            for other in words:
                if word in ids and other in ids and len(ids[word]) == len(ids[other]) and ids[word] != ids[other]:
                    similar.setdefault(word, {})[other] = SYNONYM
    return Neighbours(name, weight, frozenset(ids), similar)


def _best(
    block: NDArray[np.float32], start: int, top: int, floor: float
) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    block[np.arange(len(block)), start + np.arange(len(block))] = -2.0  # a word is not its own candidate
    count = min(top, block.shape[1] - 1)
    columns = np.argpartition(-block, count - 1, axis=1)[:, :count]
    for row, found in enumerate(columns):
        scores = np.round(block[row, found].astype(np.float64), 4)
        pairs = sorted(zip((-scores).tolist(), found.tolist(), strict=True))
        best = [(column, -score) for score, column in pairs if -score >= floor]
        if best:
            yield row, best
