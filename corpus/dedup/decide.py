"""What becomes of every cleaned document, decided over the whole corpus: kept, or dropped in favour of another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus.dedup.exact import HIGH, LENGTH, LOW, exact_duplicates, gather_rows, repeated_ids
from corpus.engine import Engine
from corpus.spool import Spool
from corpus.tables import open_table

Progress = Callable[[str, int, int | None], None]

FATE = np.dtype(
    [("kind", "u1"), ("stays_as", "i8"), ("similarity", "f4"), ("namesakes", "i4"), ("copies", "i4"), ("cluster", "u8")]
)
"""Columns of a file's ``fate.npy``: 0 kept, 1 exact duplicate, 2 near duplicate; the row that stays instead, and how
similar it is; how many kept rows before have its id; how many rows it stands for, itself included; and its cluster of
near duplicates (half the hash of the longest text in it), 0 where there is nothing like it."""

_KINDS = {"exact_duplicate": 1, "near_duplicate": 2}
KIND_NAMES = {number: name for name, number in _KINDS.items()}


def decide(
    folders: Sequence[Path],
    *,
    exact: bool,
    near: dict[str, Any] | None,
    memory: int,
    engine: Engine,
    tell: Progress,
) -> tuple[list[int], dict[str, int]]:
    """Write ``fate.npy`` into each cleaned file's folder.

    Returns:
        The row in the whole corpus at which each file starts, and clusters of duplicates by their size.

    Args:
        folders: what :func:`corpus.cleaning.clean_file` made, in order.
        exact: drop all but one of equal texts.
        near: settings of near deduplication, or None to leave near duplicates.
        memory: bytes to stay under for the tables being compared; more parts are made where they would not fit.
    """
    keys = [open_table(folder / "keys.u64", 4) for folder in folders]
    first_rows = np.concatenate([[0], np.cumsum([len(part) for part in keys])]).astype(np.int64)
    rows = int(first_rows[-1])
    starts = [int(row) for row in first_rows[:-1]]
    fate = np.zeros(rows, dtype=FATE)
    fate["stays_as"] = np.arange(rows)
    fate["similarity"] = 1
    tell("compare", 0, None)
    if exact or near is not None:
        stays_as = np.arange(rows)
        exact_duplicates(keys, starts, stays_as, memory)
        duplicates = stays_as != np.arange(rows)
        fate["stays_as"] = stays_as
        fate["kind"][duplicates] = _KINDS["exact_duplicate"]
    if near is not None:
        _near(folders, keys, starts, fate, near, memory, engine, tell)
    alive = fate["kind"] == 0
    fate["namesakes"] = repeated_ids(keys, starts, alive, memory)
    # An exact duplicate of a near duplicate counts for the document that stays in the end.
    final = fate["stays_as"][fate["stays_as"]]
    fate["copies"] = np.bincount(final, minlength=rows)
    for folder, start, end in zip(folders, first_rows, first_rows[1:], strict=False):
        np.save(folder / "fate.npy", fate[start:end])
    sizes, clusters = np.unique(fate["copies"][fate["copies"] > 1], return_counts=True)
    return starts, {str(size): int(count) for size, count in zip(sizes, clusters, strict=True)}


def _near(
    folders: Sequence[Path],
    keys: Sequence[np.ndarray],
    starts: list[int],
    fate: np.ndarray,
    settings: dict[str, Any],
    memory: int,
    engine: Engine,
    tell: Progress,
) -> None:
    # Imported here: the compiled code costs a second, which builds without near deduplication need not pay.
    from corpus.dedup.near import candidate_rows, link_clusters

    bands = [open_table(folder / "bands.u64", settings["bands"]) for folder in folders]
    candidates = candidate_rows(bands, starts, fate["kind"] == 0, memory)
    if not candidates.any():
        return
    specs = []
    for folder, start, part in zip(folders, starts, keys, strict=True):
        np.save(folder / "candidates.npy", np.flatnonzero(candidates[start : start + len(part)]))
        specs.append({"folder": str(folder), "ngram": settings["ngram"]})
    for done, _ in enumerate(engine("corpus.dedup.decide:shingle_file", specs), 1):
        tell("compare texts", done, len(specs))
    sizes = [np.load(folder / "shingle_counts.npy") for folder in folders]
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    joined = folders[0].parent / "shingles.u32"
    with open(joined, "wb") as stream:
        for folder in folders:
            with open(folder / "shingles.u32", "rb") as part_stream:
                while block := part_stream.read(1 << 22):
                    stream.write(block)
            (folder / "shingles.u32").unlink()
    shingles = np.asarray(np.memmap(joined, dtype=np.uint32, mode="r"))
    numbers = np.flatnonzero(candidates)
    values = gather_rows(keys, starts, numbers)
    rank = np.empty(len(numbers), dtype=np.int64)
    rank[np.lexsort((values[:, LOW], values[:, HIGH], -values[:, LENGTH].astype(np.int64)))] = np.arange(len(numbers))
    stays_as, similarity, leaders = link_clusters(
        bands,
        starts,
        candidates,
        shingles,
        offsets,
        rank,
        settings["threshold"],
        settings["cluster_threshold"],
        memory,
        lambda done, total: tell("find near duplicates", done, total),
    )
    dropped = stays_as != np.arange(len(numbers))
    fate["kind"][numbers[dropped]] = _KINDS["near_duplicate"]
    fate["stays_as"][numbers[dropped]] = numbers[stays_as[dropped]]
    fate["similarity"][numbers[dropped]] = similarity[dropped]
    alike = np.bincount(leaders, minlength=len(numbers))[leaders] > 1
    fate["cluster"][numbers[alike]] = values[leaders[alike], HIGH]
    del shingles
    joined.unlink()


def shingle_file(spec: dict[str, Any]) -> dict[str, Any]:
    """Write the sorted distinct shingle hashes of a file's candidates to ``shingles.u32``, their numbers beside it."""
    from corpus.dedup.minhash import shingles

    folder = Path(spec["folder"])
    wanted = np.load(folder / "candidates.npy")
    counts = np.zeros(len(wanted), dtype=np.int64)
    spool = Spool(folder / "documents.arrow")
    row = done = 0
    with open(folder / "shingles.u32", "wb") as stream:
        for batch in spool.batches():
            end = int(np.searchsorted(wanted, row + batch.num_rows))
            if end > done:
                texts = batch.column(1).take((wanted[done:end] - row).tolist()).to_pylist()
                for text in texts:
                    values = shingles(text, spec["ngram"])
                    counts[done] = len(values)
                    stream.write(values.tobytes())
                    done += 1
            row += batch.num_rows
    spool.close()
    np.save(folder / "shingle_counts.npy", counts)
    return {"candidates": len(wanted)}
