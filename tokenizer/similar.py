"""``macbert tokenizer similar``: a corpus, word vectors or a thesaurus to the table of similar words."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.dry_run import planned
from corpus.errors import UserError
from corpus.files import MANIFEST_NAME, atomic_folder, sha256_file
from corpus.manifest import manifest_sha256, write_manifest
from corpus.outputs import own_output
from corpus.reading import corpus_shards
from tokenizer.chinese import ChineseTokenizer
from tokenizer.config import SimilarConfig
from tokenizer.lexicon import LEXICON_NAME, Lexicon
from tokenizer.planning import similar_plan
from tokenizer.shards import read_batches
from tokenizer.similar_quality import agreement
from tokenizer.similar_words import SimilarWords
from tokenizer.similarity import (
    Neighbours,
    neighbours_of_thesaurus,
    neighbours_of_vectors,
    read_thesaurus,
    read_vectors,
    train_vectors,
)
from tokenizer.word_table import WordTable

Progress = Callable[[str, int, int | None], None]

log = logging.getLogger(__name__)

# Vectors list pairs down to this cosine for merging, whatever the table's own limit.
MERGE_FLOOR = 0.3

# Below this share of tokens too many draws fall back to random words (design: the table's warning).
MIN_COVERAGE = 0.8


@dataclass(frozen=True)
class SimilarTable:
    """What ``build_similar`` made."""

    output: str
    words: int
    """Words with at least one candidate."""

    candidates: int
    lexicon_words: int
    coverage: float
    """Share of the lexicon's tokens that lie in words with candidates."""

    sources: list[str]

    agreement: dict[str, float] | None
    """With ``reference``: pairs that it knows, share of them in one of its classes, and the same by chance."""

    def summary(self) -> list[tuple[str, str]]:
        """Return (label, value) lines for a screen."""
        lines = [
            ("similar words", self.output),
            ("made from", ", ".join(self.sources)),
            ("words", f"{self.words:,} with {self.candidates:,} candidates (lexicon: {self.lexicon_words:,} words)"),
            ("token coverage", f"{self.coverage:.1%}"),
        ]
        if self.agreement:
            agree, chance = self.agreement["agree"], self.agreement["by_chance"]
            lines.append(("synonyms by the reference", f"{agree:.2%} of known pairs; random words {chance:.2%}"))
        if self.coverage < MIN_COVERAGE:
            lines.append(("warning", low_coverage(self.coverage)))
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return dict(vars(self))


def low_coverage(coverage: float) -> str:
    """Return the warning about a table that covers too few tokens."""
    return (
        f"only {coverage:.1%} of tokens are in words with candidates (want {MIN_COVERAGE:.0%}): "
        "add general --vectors or a --thesaurus to a small corpus"
    )


def build_similar(config: SimilarConfig, progress: Progress | None = None) -> SimilarTable:
    """Build the table of similar words and write the tokenizer folder with it.

    Raises:
        UserError: an input is not usable, no word has a candidate, or the output may not be written.
    """
    output = own_output(config.output, "tokenizer")
    report = progress or (lambda label, done, total: None)
    tokenizer = ChineseTokenizer.from_pretrained(
        config.tokenizer, segmenter=config.segmenter, user_dictionary=config.user_dictionary
    )
    origin = Path(config.tokenizer)
    inputs: dict[str, Any] = {}
    sources: list[Neighbours] = []
    lexicon: Lexicon | None = None
    if origin.is_dir() and (origin / LEXICON_NAME).is_file():
        lexicon = Lexicon.load(origin, tokenizer)
    # Read first what may be wrong: word vectors of a large corpus take hours.
    given = [(file, weight, read_vectors(file)) for file, weight in config.vector_files()]
    classes = read_thesaurus(config.thesaurus) if config.thesaurus else None
    reference = read_thesaurus(config.reference) if config.reference else None
    planned(lambda: similar_plan(config, tokenizer, corpus_shards(config.input) if config.input else []))
    if config.input:
        inputs["corpus"] = manifest_sha256(config.input) if corpus_shards(config.input) else None
        sentences = CorpusWords(config.input, tokenizer, report)
        lexicon = lexicon or Lexicon.from_table(sentences.table, tokenizer)
        words, vectors = train_vectors(
            sentences,
            min_count=config.min_count,
            vector_size=config.vector_size,
            epochs=config.epochs,
            seed=config.seed,
        )
        sources.append(_of_vectors("corpus", config.corpus_weight, words, vectors, tokenizer, config))
    if given:
        inputs["vectors"] = [sha256_file(file) for file, _, _ in given]
    for file, weight, (words, vectors) in given:
        name = "vectors" if len(given) == 1 else f"vectors {Path(file).name}"
        sources.append(_of_vectors(name, weight, words, vectors, tokenizer, config))
    if config.thesaurus and classes:
        inputs["thesaurus"] = sha256_file(config.thesaurus)
        weight, most = config.thesaurus_weight, config.max_classes
        sources.append(neighbours_of_thesaurus("thesaurus", weight, classes, tokenizer, max_classes=most))
    if lexicon is None:
        known = sorted(set().union(*(source.known for source in sources)))
        lexicon = Lexicon.from_counts(known, np.ones(len(known), np.int64), tokenizer)
    rows = merge(sources, tokenizer, config.top_k, config.min_similarity)
    if not rows:
        found = f"none at cosine >= {config.min_similarity}"
        raise UserError.at("--input", expected="similar words", found=found, fix="use a larger corpus or --vectors")
    names = [source.name for source in sources]
    table = SimilarWords.from_rows(rows)
    covered = coverage(lexicon, table)
    agreed = agreement(table, lexicon, reference, seed=config.seed) if reference else None
    result = SimilarTable(
        output=str(output),
        words=len(table),
        candidates=len(table.cosines),
        lexicon_words=len(lexicon),
        coverage=covered,
        sources=names,
        agreement=asdict(agreed) if agreed else None,
    )
    recorded = {**vars(config), **dict.fromkeys(("input", "output", "tokenizer", "vectors", "thesaurus", "reference"))}
    recorded["vectors"] = [weight for _, weight in config.vector_files()]
    figures = {key: value for key, value in result.as_json().items() if key != "output"}
    table.meta = {"config": recorded, "inputs": inputs, **figures}
    with atomic_folder(output) as folder:
        if origin.is_dir() and (origin / MANIFEST_NAME).is_file() and (origin / LEXICON_NAME).is_file():
            shutil.copyfile(origin / LEXICON_NAME, folder / LEXICON_NAME)
        else:
            lexicon.save(folder)
        tokenizer.save_pretrained(folder)
        table.save(folder)
        write_manifest(folder, "tokenizer", config=recorded, inputs=inputs, **figures)
    if covered < MIN_COVERAGE:
        log.warning("%s", low_coverage(covered))
    return result


def _of_vectors(
    name: str,
    weight: float,
    words: list[str],
    vectors: NDArray[np.float32],
    tokenizer: ChineseTokenizer,
    config: SimilarConfig,
) -> Neighbours:
    most = config.max_words
    # More than the table keeps, and less alike: another source may lift a pair.
    top, floor = 5 * config.top_k, min(MERGE_FLOOR, config.min_similarity)
    return neighbours_of_vectors(name, weight, words[:most], vectors[:most], tokenizer, top=top, floor=floor)


class CorpusWords:
    """The sentences of a corpus as lists of words (without punctuation), readable many times."""

    def __init__(self, folder: str, tokenizer: ChineseTokenizer, report: Progress) -> None:
        self.table = WordTable()
        self._documents: list[NDArray[np.int32]] = []
        shards = corpus_shards(folder)
        for done, shard in enumerate(shards, 1):
            for batch in read_batches(shard):
                encoded = tokenizer.encode_batch(batch.texts)
                numbers = self.table.add(encoded.input_ids, encoded.word_starts)
                first = np.flatnonzero(encoded.word_starts)
                self._documents += np.split(numbers, np.searchsorted(first, encoded.bounds[1:-1]))
            report("read words", done, len(shards))
        special, symbol = tokenizer.vocabulary.special_mask, tokenizer.vocabulary.symbol_mask
        self._words: list[str | None] = []
        for word in range(len(self.table)):
            ids = self.table.ids[self.table.offsets[word] : self.table.offsets[word + 1]]
            fine = not special[ids].any() and not symbol[ids].all()
            self._words.append(tokenizer.decode_word(ids) if fine else None)

    def __iter__(self) -> Iterator[list[str]]:
        for numbers in self._documents:
            words = [word for number in numbers.tolist() if number >= 0 and (word := self._words[number]) is not None]
            # gensim cuts longer lists off at 10,000 words without a word.
            for start in range(0, len(words), 10_000):
                yield words[start : start + 10_000]


def merge(
    sources: list[Neighbours], tokenizer: ChineseTokenizer, top_k: int, min_similarity: float
) -> list[tuple[str, list[int], list[tuple[str, list[int], float]]]]:
    """Return table rows: candidates by the weighted mean of the sources, best first.

    A source that knows both words counts with its similarity, or with the least that it lists if the pair is not
    listed; a thesaurus counts only for the pairs that it lists.
    """
    every = sorted(set().union(*(source.similar for source in sources)))
    names = sorted({*every, *(c for source in sources for found in source.similar.values() for c in found)})
    encoded = tokenizer.encode_batch(names)
    ids = {n: encoded.input_ids[encoded.bounds[i] : encoded.bounds[i + 1]].tolist() for i, n in enumerate(names)}
    rows = []
    for word in every:
        speaking = [source for source in sources if word in source.known]
        means = []
        for candidate in sorted({c for source in speaking for c in source.similar.get(word, ())}):
            total = weight = 0.0
            for source in speaking:
                score = source.similar.get(word, {}).get(candidate)
                if score is None and candidate in source.known:
                    score = source.unlisted
                if score is not None:
                    total += source.weight * score
                    weight += source.weight
            means.append((-round(total / weight, 4), candidate))
        found = [
            (candidate, ids[candidate], -score)
            for score, candidate in sorted(means)
            if -score >= min_similarity and len(ids[candidate]) == len(ids[word]) and ids[candidate] != ids[word]
        ]
        if found:
            rows.append((word, ids[word], found[:top_k]))
    return rows


def coverage(lexicon: Lexicon, table: SimilarWords) -> float:
    """Return the share of the lexicon's tokens (counts times length) that lie in words with candidates."""
    words = {table.word_ids[table.word_offsets[w] : table.word_offsets[w + 1]].tobytes() for w in range(len(table))}
    lengths = np.diff(lexicon.offsets)
    has = np.array(
        [lexicon.ids[lexicon.offsets[w] : lexicon.offsets[w + 1]].tobytes() in words for w in range(len(lexicon))], bool
    )
    tokens = lexicon.counts * lengths
    return float(tokens[has].sum() / max(1, tokens.sum()))
