"""What ``macbert tokenizer train|similar|encode --dry-run`` tells: each timed on the first texts, in memory."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.trainers import WordPieceTrainer

from corpus.dry_run import About, Plan, clocked, resident_bytes, sizes
from tokenizer.chinese import ChineseTokenizer
from tokenizer.config import EncodeConfig, SimilarConfig, TrainTokenizerConfig
from tokenizer.shards import read_batches
from tokenizer.similarity import train_vectors
from tokenizer.vocabulary import SPECIAL_TOKENS, UNK, Vocabulary
from tokenizer.wordpiece import bert_normalizer

SAMPLE_CHARACTERS = 400_000

ENCODED_BYTES = 2.29
"""Bytes of a token on the disk, word and sentence starts included (docs/performance.md, Tokens and masks)."""

SLICE_CHARACTERS = 40_000
"""For word vectors, which take a hundred times as long as encoding."""


@dataclass(frozen=True)
class Sample:
    """The first texts of a corpus."""

    texts: list[str]
    share: float
    """Of the corpus's bytes of text, above 0 and at most 1."""

    total_bytes: int
    """UTF-8 bytes of all texts, as Parquet's own notes tell them."""

    @property
    def told(self) -> str:
        """What the estimates stand on."""
        return "all texts" if self.share == 1 else f"the first {sum(map(len, self.texts)):,} characters"


def sample_of(shards: Sequence[Path], characters: int = SAMPLE_CHARACTERS) -> Sample:
    """Return the first texts of some shards."""
    texts: list[str] = []
    size = 0
    for shard in shards:
        for batch in read_batches(shard):
            texts += batch.texts
            size += sum(map(len, batch.texts))
            if size >= characters:
                break
        if size >= characters:
            break
    total = sum(map(_text_bytes, shards))
    return Sample(texts, min(1.0, sum(len(text.encode()) for text in texts) / max(1, total)), total)


def _text_bytes(shard: Path) -> int:
    if shard.suffix == ".arrow":
        return shard.stat().st_size
    notes = pq.ParquetFile(shard).metadata
    columns = [
        notes.row_group(group).column(n) for group in range(notes.num_row_groups) for n in range(notes.num_columns)
    ]
    return sum(column.total_uncompressed_size for column in columns if column.path_in_schema == "text")


def train_plan(config: TrainTokenizerConfig, shards: Sequence[Path]) -> Plan:
    """Return the plan of training a vocabulary and counting its words."""
    sample = sample_of(shards)
    counts: Counter[str] = Counter()
    normalizer = bert_normalizer(config.lowercase)
    counting = clocked(lambda: counts.update(normalizer.normalize_str("\n".join(sample.texts))))
    characters = [character for character in counts if not character.isspace()]

    def learn() -> None:
        model = Tokenizer(WordPiece(unk_token=UNK))
        model.normalizer, model.pre_tokenizer = normalizer, BertPreTokenizer()
        trainer = WordPieceTrainer(vocab_size=config.vocab_size, show_progress=False)
        model.train_from_iterator(sample.texts, trainer)

    learning = clocked(learn)
    vocabulary = Vocabulary([*SPECIAL_TOKENS, *sorted(characters)])
    tokenizer = ChineseTokenizer(
        vocabulary, lowercase=config.lowercase, segmenter=config.segmenter, user_dictionary=config.user_dictionary
    )
    encoding, _ = _encoding(tokenizer, sample.texts)
    workers = min(config.workers, len(shards))
    own = resident_bytes()
    return Plan(
        sizes([config.input, config.user_dictionary]),
        [config.output],
        About(
            ((counting + encoding) / workers + learning) / sample.share,
            f"counting, learning and segmenting {sample.told} timed, {workers} at a time but for the learning",
        ),
        About(own * (workers + 1), f"this process {workers + 1} times; the different words of the corpus come on top"),
        About(150 * config.vocab_size, "150 bytes an entry for vocab.txt, tokenizer.json and the lexicon"),
    )


def encode_plan(config: EncodeConfig, tokenizer: ChineseTokenizer, shards: Sequence[Path], todo: int) -> Plan:
    """Return the plan of encoding a corpus, of which ``todo`` shards are not encoded yet."""
    sample = sample_of(shards)
    seconds, tokens = _encoding(tokenizer, sample.texts)
    workers = max(1, min(config.workers, todo))
    left = todo / max(1, len(shards))
    own = resident_bytes()
    return Plan(
        sizes([config.input, config.tokenizer, config.user_dictionary]),
        [config.output],
        About(
            seconds * left / sample.share / workers,
            f"{sample.told} encoded, {workers} at a time; {todo} of {len(shards)} shards to do",
        ),
        About(own * (workers + 1), f"this process {workers + 1} times"),
        About(
            ENCODED_BYTES * tokens / sample.share,
            f"{ENCODED_BYTES} bytes for each of {tokens / sample.share:,.0f} tokens (docs/performance.md)",
        ),
    )


def raw_plan(config: EncodeConfig, tokenizer: ChineseTokenizer) -> Plan:
    """Return the plan of reading raw files and encoding their texts.

    Raises:
        UserError: what ``corpus build`` would refuse of them.
    """
    from corpus.build import check_quarantine
    from corpus.config import CorpusConfig
    from corpus.document import Document
    from corpus.inputs import check_local, find_inputs, without_empty
    from corpus.planning import build_plan
    from corpus.readers import ReaderOptions, read_file

    check_local(config.raw)
    files = without_empty(find_inputs(config.raw))
    settings = {name: getattr(config, name) for name in ("text_key", "id_key", "txt_unit", "max_bad_ratio", "workers")}
    reading = build_plan(CorpusConfig(input=config.raw, output=config.output, **settings), [], files, check_quarantine)
    options = ReaderOptions(text_key=config.text_key, id_key=config.id_key, txt_unit=config.txt_unit)
    records = (item for file in files for item in read_file(file, options) if isinstance(item, Document))
    texts = [item.text for item in itertools.islice(records, 500)]
    seconds, tokens = _encoding(tokenizer, texts)
    # Reading counts the text twice: in the spool, and in the Parquet that is not written here.
    total = (reading.disk.value or 0) / 2
    share = min(1.0, sum(len(text.encode()) for text in texts) / max(1.0, total))
    workers = min(config.workers, len(files))
    return Plan(
        [*reading.reads, *sizes([config.tokenizer, config.user_dictionary])],
        [config.output],
        About(
            (reading.seconds.value or 0) + seconds / share / workers,
            f"{len(texts):,} documents encoded, after reading: {reading.seconds.basis}",
        ),
        reading.memory,
        About(total + ENCODED_BYTES * tokens / share, f"the text once, and {ENCODED_BYTES} bytes a token"),
        checked=reading.checked,
    )


def similar_plan(config: SimilarConfig, tokenizer: ChineseTokenizer, shards: Sequence[Path]) -> Plan:
    """Return the plan of building the table of similar words; ``shards`` are none where no corpus is read."""
    reads = [config.input, config.tokenizer, *(file for file, _ in config.vector_files()), config.thesaurus]
    own = resident_bytes()
    words_kept, seconds, basis = 0.0, 0.0, "no corpus is read: vectors and thesaurus are in memory already"
    if shards:
        sample = sample_of(shards, SLICE_CHARACTERS)
        encoding, _ = _encoding(tokenizer, sample.texts)
        sentences = [_words(tokenizer, text) for text in sample.texts]
        learning = clocked(
            lambda: train_vectors(sentences, min_count=1, vector_size=config.vector_size, epochs=1, seed=config.seed)
        )
        seconds = (encoding + learning * config.epochs) / sample.share
        basis = (
            f"word2vec timed for one pass over {sample.told}, {config.epochs} passes; finding neighbours comes on top"
        )
        words_kept = len({word for words in sentences for word in words}) / sample.share**0.5
    return Plan(
        sizes(reads),
        [config.output],
        About(seconds, basis),
        About(
            own + 8 * config.vector_size * words_kept,
            "this process and two matrices of vectors; different words grow with the square root of the text (Heaps)",
        ),
        About(12 * 8 * config.top_k * max(words_kept, 1000), "100 bytes a pair, top_k pairs a word"),
    )


def _encoding(tokenizer: ChineseTokenizer, texts: list[str]) -> tuple[float, int]:
    """Return the seconds that encoding takes, and the tokens; what is loaded once is not in the seconds."""
    tokenizer.encode_batch(texts[:1])
    began = time.perf_counter()
    tokens = len(tokenizer.encode_batch(texts).input_ids)
    return time.perf_counter() - began, tokens


def _words(tokenizer: ChineseTokenizer, text: str) -> list[str]:
    encoded = tokenizer.encode(text)
    starts = encoded.offsets[np.flatnonzero(encoded.word_starts), 0].tolist()
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
