"""``macbert tokenizer train``: a corpus to a WordPiece vocabulary and a lexicon."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.trainers import WordPieceTrainer

from corpus.dry_run import planned
from corpus.engine import make_engine
from corpus.errors import UserError
from corpus.files import atomic_folder
from corpus.manifest import manifest_sha256, write_manifest
from corpus.outputs import own_output
from corpus.reading import corpus_shards
from tokenizer.chinese import ChineseTokenizer
from tokenizer.config import TrainTokenizerConfig
from tokenizer.lexicon import Lexicon
from tokenizer.planning import train_plan
from tokenizer.segmenter import load_segmenter
from tokenizer.shards import read_batches, worker_tokenizer
from tokenizer.vocabulary import SPECIAL_TOKENS, UNK, Vocabulary
from tokenizer.word_table import WordTable
from tokenizer.wordpiece import IN_RUN, CharacterClasses, bert_normalizer

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class TrainedTokenizer:
    """What ``train_tokenizer`` made."""

    output: str
    vocab_size: int
    characters: int
    """Different characters of the corpus, after normalisation."""

    characters_in_vocabulary: int
    words: int
    """Words in the lexicon."""

    tokens: int
    unknown_tokens: int

    def summary(self) -> list[tuple[str, str]]:
        """Return (label, value) lines for a screen."""
        share = self.unknown_tokens / max(1, self.tokens)
        return [
            ("tokenizer", self.output),
            ("vocabulary", f"{self.vocab_size:,} tokens"),
            ("characters held", f"{self.characters_in_vocabulary:,} of {self.characters:,}"),
            ("corpus", f"{self.tokens:,} tokens, {share:.4%} [UNK]"),
            ("lexicon", f"{self.words:,} words"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return dict(vars(self))


def train_tokenizer(config: TrainTokenizerConfig, progress: Progress | None = None) -> TrainedTokenizer:
    """Train a WordPiece vocabulary on a corpus folder and write the tokenizer folder.

    Every character seen at least ``min_frequency`` times becomes a token while the size allows, most frequent first;
    the rest of the vocabulary are the pieces of Latin words, numbers and other runs.

    Raises:
        UserError: the input is no corpus, the corpus is empty, or the output may not be written.
    """
    output = own_output(config.output, "tokenizer")
    shards = corpus_shards(config.input)
    report = progress or (lambda label, done, total: None)
    load_segmenter(config.segmenter, config.user_dictionary)  # a wrong user dictionary is told before any work
    planned(lambda: train_plan(config, shards))
    characters = _count_characters(shards, config, report)
    if not characters:
        raise UserError.at(config.input, expected="documents with text", found="none", fix="build the corpus again")
    specials = [SPECIAL_TOKENS[0], *(f"[unused{n}]" for n in range(1, config.unused + 1)), *SPECIAL_TOKENS[1:]]
    vocabulary = Vocabulary(_train(shards, config, characters, specials, report))
    tokenizer = ChineseTokenizer(vocabulary, lowercase=config.lowercase)
    with atomic_folder(output) as folder:
        tokenizer.save_pretrained(folder)
        table, tokens = count_words(shards, folder, config, report)
        lexicon = Lexicon.from_table(table, tokenizer)
        lexicon.save(folder)
        unknown = int(np.sum(table.counts * _unknown_per_word(table, tokenizer.unk_id)))
        held = sum(character in vocabulary.ids for character in characters)
        result = TrainedTokenizer(
            output=str(output),
            vocab_size=len(vocabulary),
            characters=len(characters),
            characters_in_vocabulary=held,
            words=len(lexicon),
            tokens=tokens,
            unknown_tokens=unknown,
        )
        figures = {key: value for key, value in result.as_json().items() if key != "output"}
        inputs = {"corpus": manifest_sha256(config.input)}
        recorded = {**vars(config), "workers": None, "output": None, "input": None}
        write_manifest(folder, "tokenizer", config=recorded, inputs=inputs, **figures)
    return result


def count_words(
    shards: list[Path], tokenizer: Path, config: TrainTokenizerConfig, report: Progress
) -> tuple[WordTable, int]:
    """Return the words of corpus shards with their counts, and the number of tokens."""
    table, tokens = WordTable(), 0
    with tempfile.TemporaryDirectory() as folder:
        specs: list[dict[str, Any]] = [
            {
                "shard": str(shard),
                "tokenizer": str(tokenizer),
                "segmenter": config.segmenter,
                "user_dictionary": config.user_dictionary,
                "output": f"{folder}/{number}.npz",
            }
            for number, shard in enumerate(shards)
        ]
        run = make_engine("local", config.workers)
        for done, (number, result) in enumerate(run("tokenizer.training:count_words_of_shard", specs), 1):
            with np.load(specs[number]["output"]) as found:
                table.merge(found["ids"], found["offsets"], found["counts"])
            Path(specs[number]["output"]).unlink()
            tokens += result["tokens"]
            report("count words", done, len(specs))
    return table, tokens


def count_words_of_shard(spec: dict[str, Any]) -> dict[str, Any]:
    """Count one shard's words into an .npz file: a job of :func:`count_words`."""
    tokenizer = worker_tokenizer(spec["tokenizer"], spec["segmenter"], spec["user_dictionary"])
    table, tokens = WordTable(), 0
    for batch in read_batches(spec["shard"]):
        encoded = tokenizer.encode_batch(batch.texts)
        table.add(encoded.input_ids, encoded.word_starts)
        tokens += len(encoded.input_ids)
    np.savez(spec["output"], ids=table.ids, offsets=table.offsets, counts=table.counts)
    return {"tokens": tokens}


def count_characters_of_shard(spec: dict[str, Any]) -> dict[str, Any]:
    """Count one shard's characters after BERT's normalisation: a job."""
    normalizer = bert_normalizer(spec["lowercase"])
    counts: Counter[str] = Counter()
    for batch in read_batches(spec["shard"]):
        counts.update(normalizer.normalize_str("\n".join(batch.texts)))
    return {"counts": {char: count for char, count in counts.items() if not char.isspace()}}


def _count_characters(shards: list[Path], config: TrainTokenizerConfig, report: Progress) -> Counter[str]:
    counts: Counter[str] = Counter()
    run = make_engine("local", config.workers)
    specs = [{"shard": str(shard), "lowercase": config.lowercase} for shard in shards]
    for done, (_, result) in enumerate(run("tokenizer.training:count_characters_of_shard", specs), 1):
        counts.update(result["counts"])
        report("count characters", done, len(specs))
    return counts


def _train(
    shards: list[Path], config: TrainTokenizerConfig, characters: Counter[str], specials: list[str], report: Progress
) -> list[str]:
    frequent = [char for char, count in sorted(characters.items(), key=_by_count) if count >= config.min_frequency]
    classes = CharacterClasses(Vocabulary(SPECIAL_TOKENS), config.lowercase)
    alphabet: list[str] = []
    continued: list[str] = []
    for char in frequent:
        inside = [f"##{char}"] if classes(ord(char)) == IN_RUN else []
        if len(specials) + len(alphabet) + len(continued) + 1 + len(inside) <= config.vocab_size:
            alphabet.append(char)
            continued += inside
    fixed = [*specials, *continued]
    model = Tokenizer(WordPiece(unk_token=UNK))
    model.normalizer = bert_normalizer(config.lowercase)
    model.pre_tokenizer = BertPreTokenizer()
    trainer = WordPieceTrainer(
        vocab_size=config.vocab_size,
        min_frequency=config.min_frequency,
        # Given as special, the pieces "##a" get fixed numbers; else the library numbers them in the order of a hash
        # table that differs from process to process, and with it the choice between equally frequent pairs.
        special_tokens=fixed,
        initial_alphabet=alphabet,
        # The initial alphabet counts as the most frequent: with this limit nothing else enters.
        limit_alphabet=max(1, len(alphabet)),
        show_progress=False,
    )

    def texts() -> Iterator[list[str]]:
        for done, shard in enumerate(shards, 1):
            for batch in read_batches(shard):
                yield batch.texts
            report("train vocabulary", done, len(shards))

    model.train_from_iterator(texts(), trainer)
    vocab = model.get_vocab()
    learnt = sorted(vocab.keys() - {*fixed, *alphabet}, key=vocab.__getitem__)
    return [*specials, *alphabet, *continued, *learnt]


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _unknown_per_word(table: WordTable, unk_id: int) -> np.ndarray:
    return np.add.reduceat(np.append(table.ids == unk_id, False).astype(np.int64), table.offsets[:-1])
