"""Texts of a corpus folder's Parquet shards, in batches that fit the cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpus.errors import UserError
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
    file = pq.ParquetFile(shard)
    columns = ["text", "id", "source", "meta"]
    missing = [name for name in columns[:3] if name not in file.schema_arrow.names]
    if missing:
        found = f"no column {', '.join(missing)}"
        raise UserError.at(shard, expected="a shard of a corpus", found=found, fix="build the corpus again")
    present = [name for name in columns if name in file.schema_arrow.names]
    batch = TextBatch([], [], [], [])
    size = 0
    for rows in file.iter_batches(batch_size=1024, columns=present):
        values = {name: rows.column(name).to_pylist() for name in present}
        metas = values.get("meta", ["{}"] * rows.num_rows)
        for text, number, source, meta in zip(values["text"], values["id"], values["source"], metas, strict=True):
            batch.texts.append(text or "")
            batch.ids.append(str(number))
            batch.sources.append(source or "")
            batch.metas.append(meta or "{}")
            size += len(batch.texts[-1])
            if size >= characters:
                yield batch
                batch = TextBatch([], [], [], [])
                size = 0
    if batch.texts:
        yield batch


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
