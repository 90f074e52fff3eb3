"""The parts of encoding that run in worker processes, one shard each."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from corpus.files import atomic_file, fsync_path, sha256_file
from tokenizer.documents import TokenDocuments
from tokenizer.heldout import HELDOUT, hash_limit, reservation_key
from tokenizer.shards import read_batches, read_origins, worker_tokenizer
from tokenizer.token_files import TokenFileWriter
from tokenizer.word_table import WordTable

# What a shard reports of its [UNK]: nearly always single characters; the rest is a long tail of rare ones.
MAX_UNKNOWN_TEXTS = 300


def survey_shard(spec: dict[str, Any]) -> dict[str, Any]:
    """Return each source's documents, whether any is reserved, and its lowest hash: a job."""
    found: dict[str, dict[str, Any]] = {}
    limit = hash_limit(spec["heldout_fraction"])
    for identity, source, meta in read_origins(spec["shard"]):
        key = reservation_key(spec["seed"], source, identity, meta)
        entry = found.setdefault(source, {"documents": 0, "reserved": 0, "lowest": key})
        entry["documents"] += 1
        entry["reserved"] += key < limit
        entry["lowest"] = min(entry["lowest"], key)
    return found


def encode_shard(spec: dict[str, Any]) -> dict[str, Any]:
    """Encode one shard into a folder with train.arrow, heldout.arrow and, last, done.json: a job."""
    tokenizer = worker_tokenizer(spec["tokenizer"], spec["segmenter"], spec["user_dictionary"], spec["map_punctuation"])
    unknown: Counter[str] = Counter()
    folder = Path(spec["output"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    numbers = {source: number for number, source in enumerate(spec["sources"])}
    limit, always = hash_limit(spec["heldout_fraction"]), set(spec["always"].values())
    empty = words = 0
    paths = {part: folder / f"{part}.arrow" for part in ("train", HELDOUT)}
    size = tokenizer.vocab_size
    with TokenFileWriter(paths["train"], size) as train, TokenFileWriter(paths[HELDOUT], size) as heldout:
        for batch in read_batches(spec["shard"]):
            encoded = tokenizer.encode_batch(batch.texts)
            word_starts = encoded.word_starts
            sentence_starts = encoded.sentence_starts
            words += int(word_starts.sum())
            unknown.update(encoded.texts_of(np.flatnonzero(encoded.input_ids == tokenizer.unk_id)))
            for number, (identity, source, meta) in enumerate(zip(batch.ids, batch.sources, batch.metas, strict=True)):
                tokens = slice(encoded.bounds[number], encoded.bounds[number + 1])
                if tokens.start == tokens.stop:
                    empty += 1
                    continue
                key = reservation_key(spec["seed"], source, identity, meta)
                reserved = key < limit or key in always
                writer = heldout if reserved else train
                writer.add(encoded.input_ids[tokens], word_starts[tokens], sentence_starts[tokens], numbers[source])
    for path in paths.values():
        fsync_path(path)
    result: dict[str, Any] = {
        part: {"documents": writer.documents, "tokens": writer.tokens, "sha256": sha256_file(paths[part])}
        for part, writer in (("train", train), (HELDOUT, heldout))
    }
    result |= {"empty": empty, "words": words, "unknown": unknown.total(), "set_aside": spec["set_aside"]}
    # The most frequent ones, ties by text: the same for any order of counting.
    result["unknown_texts"] = dict(sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:MAX_UNKNOWN_TEXTS])
    with atomic_file(folder / "done.json") as stream:
        json.dump(result, stream)
    return {}


def count_words_of_file(spec: dict[str, Any]) -> dict[str, Any]:
    """Count the words of one Arrow file into an .npz file: a job."""
    table = WordTable()
    for input_ids, word_starts in TokenDocuments.from_files([spec["file"]]).batches():
        table.add(input_ids.astype(np.int32), word_starts)
    np.savez(spec["output"], ids=table.ids, offsets=table.offsets, counts=table.counts)
    return {}
