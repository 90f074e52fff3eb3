"""Texts of shards (Parquet files of a corpus, Arrow files of raw ones), in batches that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import UserError
from corpus.spool import Spool
from tokenizer.chinese import ChineseTokenizer

# 50k characters a call: the arrays of one call stay in the second-level cache, and calls cost nothing against them.
BATCH_CHARACTERS = 50_000

TOKENIZER_FILES = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")


@dataclass(frozen=True)
class TextBatch:
    """Consecutive documents of a shard."""

    texts: list[str]
    ids: list[str]
    sources: list[str]
    metas: list[str]
    """JSON objects, unparsed."""


def read_batches(shard: str | Path, characters: int = BATCH_CHARACTERS) -> Iterator[TextBatch]:
    """Yield a shard's documents in order, some ``characters`` at a time."""
    batch = TextBatch([], [], [], [])
    size = 0
    for rows in _rows(shard, with_text=True):
        texts = rows.column("text").to_pylist()
        for text, (number, source, meta) in zip(texts, _origins(rows), strict=True):
            batch.texts.append(text or "")
            batch.ids.append(number)
            batch.sources.append(source)
            batch.metas.append(meta)
            size += len(batch.texts[-1])
            if size >= characters:
                yield batch
                batch = TextBatch([], [], [], [])
                size = 0
    if batch.texts:
        yield batch


def read_origins(shard: str | Path) -> Iterator[tuple[str, str, str]]:
    """Yield id, source and meta of a shard's documents in order, without reading the texts."""
    for rows in _rows(shard, with_text=False):
        yield from _origins(rows)


def _rows(shard: str | Path, *, with_text: bool) -> Iterator[pa.RecordBatch]:
    if Path(shard).suffix == ".arrow":
        spool = Spool(Path(shard), columns=None if with_text else [0, 2, 3])
        yield from spool.batches()
        spool.close()
        return
    file = pq.ParquetFile(shard)
    names = file.schema_arrow.names
    if missing := [name for name in ("text", "id", "source") if name not in names]:
        found = f"no column {', '.join(missing)}"
        raise UserError.at(shard, expected="a shard of a corpus", found=found, fix="build the corpus again")
    wanted = [*["text"] * with_text, "id", "source", *["meta"] * ("meta" in names)]
    yield from file.iter_batches(batch_size=1024, columns=wanted)


def _origins(rows: pa.RecordBatch) -> Iterator[tuple[str, str, str]]:
    ids, sources = rows.column("id").to_pylist(), rows.column("source").to_pylist()
    metas = rows.column("meta").to_pylist() if "meta" in rows.schema.names else ["{}"] * rows.num_rows
    for identity, source, meta in zip(ids, sources, metas, strict=True):
        yield str(identity), source or "", meta or "{}"


def worker_tokenizer(
    path: str, segmenter: str, user_dictionary: str | None, map_punctuation: bool | None = None
) -> ChineseTokenizer:
    """Return a process's own tokenizer: its learnt tables are kept between shards, until a file of it changes."""
    state = tuple(_state(Path(path, name)) for name in ("", *TOKENIZER_FILES)), _state(Path(user_dictionary or path))
    return _tokenizer(path, segmenter, user_dictionary, map_punctuation, state)


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _tokenizer(
    path: str, segmenter: str, user_dictionary: str | None, map_punctuation: bool | None, state: Any
) -> ChineseTokenizer:
    return ChineseTokenizer.from_pretrained(
        path, segmenter=segmenter, user_dictionary=user_dictionary, map_punctuation=map_punctuation
    )
