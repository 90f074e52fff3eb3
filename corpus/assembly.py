"""The last stage, one job an input file: write what the whole corpus decided to keep as a Parquet shard."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from corpus.arrow_memory import booleans, strings
from corpus.cleaning import add_sample, rejected_record
from corpus.counts import length_class
from corpus.dedup.decide import KIND_NAMES
from corpus.manifest import canonical_json
from corpus.rejects import RejectWriter
from corpus.spool import SCHEMA, Spool, documents_of, ids_of
from corpus.token_count import basic_tokens

ROW_GROUP_ROWS, ROW_GROUP_BYTES = 8192, 1 << 25


def write_shard(spec: dict[str, Any]) -> dict[str, Any]:
    """Write one shard and the records of its dropped duplicates; return rows, characters and drops by reason.

    ``spec["folder"]`` is a cleaned file's folder, in which ``fate.npy`` says of each row what becomes of it (see
    ``corpus.dedup.decide``). A document that stands for others tells how many in ``meta["cluster_size"]``; all those of
    one cluster of near duplicates that stay have the same ``meta["cluster"]``, by which they are held out together.
    """
    folder = Path(spec["folder"])
    fate = np.load(folder / "fate.npy", mmap_mode="r")
    spool = Spool(folder / "documents.arrow")
    ids = _ids_that_stay(spec, fate)
    kept = characters = renamed = row = 0
    dropped: dict[str, list[int]] = {}
    samples: dict[str, list[dict[str, str]]] = {}
    lengths: Counter[str] = Counter()
    try:
        with (
            pyarrow.parquet.ParquetWriter(spec["shard"], SCHEMA, compression="zstd") as writer,
            RejectWriter(Path(spec["rejected"]), spec["name"]) as rejects,
        ):
            waiting: list[pa.RecordBatch] = []
            for batch in spool.batches():
                here = fate[row : row + batch.num_rows]
                row += batch.num_rows
                stays = here["kind"] == 0
                for number, document in enumerate(documents_of(batch)) if not stays.all() else ():
                    if not stays[number]:
                        reason = KIND_NAMES[int(here["kind"][number])]
                        record = rejected_record(document, reason, "dedup")
                        record["duplicate_of"] = ids[int(here["stays_as"][number])]
                        if reason == "exact_duplicate":
                            del record["text"]  # it stands in the corpus
                        else:
                            record["similarity"] = round(float(here["similarity"][number]), 4)
                        rejects.write(reason, record)
                        add_sample(samples, reason, record)
                        entry = dropped.setdefault(reason, [0, 0, 0])
                        entry[0] += 1
                        entry[1] += len(document.text)
                        entry[2] += basic_tokens(document.text)
                        lengths[length_class(len(document.text))] += 1
                chosen, new_names = _kept_rows(batch, here, stays)
                renamed += new_names
                kept += chosen.num_rows
                characters += sum(map(len, chosen.column(1).to_pylist()))
                waiting.append(chosen)
                # In bytes too: 8,192 books would not fit in memory.
                rows = sum(part.num_rows for part in waiting)
                if rows >= ROW_GROUP_ROWS or sum(part.nbytes for part in waiting) >= ROW_GROUP_BYTES:
                    writer.write_table(pa.Table.from_batches(waiting, SCHEMA))
                    waiting = []
            if waiting:
                writer.write_table(pa.Table.from_batches(waiting, SCHEMA))
    finally:
        spool.close()
    return {"kept": kept, "characters": characters, "dropped": dropped, "renamed": renamed} | {
        "samples": samples,
        "lengths_dropped": dict(lengths),
    }


def _kept_rows(batch: pa.RecordBatch, fate: np.ndarray, stays: np.ndarray) -> tuple[pa.RecordBatch, int]:
    again = np.flatnonzero(stays & (fate["namesakes"] > 0))
    told = np.flatnonzero(stays & ((fate["copies"] > 1) | (fate["cluster"] > 0)))
    if len(again) or len(told):
        ids, metas = batch.column(0).to_pylist(), batch.column(3).to_pylist()
        for number in again:
            ids[number] = _renamed(ids[number], fate["namesakes"][number])
        for number in told:
            meta = json.loads(metas[number])
            if fate["copies"][number] > 1:
                meta["cluster_size"] = int(fate["copies"][number])
            if fate["cluster"][number] > 0:
                meta["cluster"] = f"{int(fate['cluster'][number]):016x}"
            metas[number] = canonical_json(meta)
        columns = [strings(ids), batch.column(1), batch.column(2), strings(metas)]
        batch = pa.record_batch(columns, schema=SCHEMA)
    return (batch if stays.all() else batch.filter(booleans(stays))), len(again)


def _ids_that_stay(spec: dict[str, Any], fate: np.ndarray) -> dict[int, str]:
    """Return the id of every document that stays for one of this file's duplicates, by its row in the whole corpus."""
    wanted = np.unique(fate["stays_as"][fate["kind"] > 0])
    ends = [*spec["first_rows"][1:], None]
    found: dict[int, str] = {}
    for folder, first, end in zip(spec["folders"], spec["first_rows"], ends, strict=True):
        rows = wanted[(wanted >= first) & (wanted < end if end is not None else True)]
        if len(rows):
            namesakes = np.load(Path(folder) / "fate.npy", mmap_mode="r")["namesakes"][rows - first]
            ids = map(_renamed, ids_of(Path(folder) / "documents.arrow", rows - first), namesakes)
            found.update(zip(rows.tolist(), ids, strict=True))
    return found


def _renamed(identity: str, namesakes: int) -> str:
    """Return the id that a kept document gets, of which so many have the same id before it."""
    return f"{identity}#{namesakes + 1}" if namesakes else identity


def read_result(folder: Path) -> dict[str, Any]:
    """Return the result that a finished cleaning job left."""
    result: dict[str, Any] = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    return result
