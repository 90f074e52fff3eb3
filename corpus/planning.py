"""What ``macbert corpus build --dry-run`` tells: its own steps on the first records, for some seconds."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from corpus.cleaning import QUARANTINE_REMEMBERED, take_steps
from corpus.config import CorpusConfig
from corpus.counts import Counts, StepCounts
from corpus.document import Document
from corpus.dry_run import About, Plan, resident_bytes, sizes
from corpus.presets import Step, StepSpec, document_steps, stages
from corpus.readers import FileFacts, InputFile, ReaderOptions, read_file
from corpus.readers.compression import SUFFIXES

SAMPLE_SECONDS = 2.0
"""For all files; each gets its share."""

WRITTEN_PER_SECOND = 49e6
"""Bytes of text a second into the spool, and again into Parquet (docs/performance.md, Corpus, its second row)."""

HASHED_PER_SECOND = 108e6
"""Bytes of text a second into MinHash (docs/performance.md, Corpus, MinHash with shingling)."""

BYTES_A_DOCUMENT = 538
"""Memory that a document more takes (docs/performance.md, Corpus, peak memory)."""

TEXT_IN_COMPRESSED = 3.0
"""Bytes of text taken for a byte of a compressed or columnar file that the sample did not come to the end of."""


@dataclasses.dataclass
class Sample:
    """The first records of a file."""

    path: str
    whole: bool
    """Whether they are all of them."""

    seconds: float = 0.0
    text_bytes: int = 0
    documents: int = 0
    result: dict[str, Any] = dataclasses.field(default_factory=dict)
    """As ``corpus.cleaning.clean_file`` returns it."""


def build_plan(
    config: CorpusConfig,
    specs: list[StepSpec],
    files: list[InputFile],
    check: Callable[[CorpusConfig, list[InputFile], list[dict[str, Any]]], None],
) -> Plan:
    """Return the plan of a build.

    Args:
        config: the build.
        specs: its steps.
        files: its inputs, empty ones left out.
        check: refuses damaged records, as the build does after its first stage. On files that the sample does not reach
            the end of, only those are refused of which no record has a text.
    """
    steps = document_steps(spec for run, _ in stages(specs) for spec in run)
    options = ReaderOptions(
        text_key=config.text_key,
        id_key=config.id_key,
        txt_unit=config.txt_unit,
        max_record_bytes=config.max_record_bytes,
    )
    samples = [_sample(file, options, steps, SAMPLE_SECONDS / len(files)) for file in files]
    every = all(sample.whole for sample in samples)
    lenient = config if every else dataclasses.replace(config, max_bad_ratio=1.0)
    check(lenient, files, [sample.result for sample in samples])
    text = sum(map(_text_bytes, samples))
    seconds = sum(sample.seconds * _text_bytes(sample) / max(1, sample.text_bytes) for sample in samples)
    seconds += 2 * text / WRITTEN_PER_SECOND
    near = any(spec.name == "near_dedup" for spec in specs)
    if near:
        seconds += text / HASHED_PER_SECOND
    documents = sum(
        sample.documents * _text_bytes(sample) / max(1, sample.text_bytes) for sample in samples if sample.documents
    )
    read = "all records" if every else f"{sum(sample.documents for sample in samples):,} records"
    workers = min(config.workers, len(files))
    own = resident_bytes()
    return Plan(
        reads=sizes(file.path for file in files),
        writes=[config.output],
        seconds=About(
            seconds / workers,
            f"the steps timed on {read}, writing{' and MinHash' if near else ''} as in docs/performance.md, "
            f"{workers} at a time",
        ),
        memory=About(
            own * (workers + 1) + BYTES_A_DOCUMENT * documents,
            f"this process {workers + 1} times, and {BYTES_A_DOCUMENT} bytes a document (about {documents:,.0f})",
        ),
        disk=About(2 * text, "the text twice, uncompressed: in the working folder and as Parquet, which is smaller"),
        checked="every input" if every else f"the first records of each file, {read} in all",
    )


def _sample(file: InputFile, options: ReaderOptions, steps: Iterable[tuple[str, Step]], seconds: float) -> Sample:
    """Read records and take the steps on them until the time is up."""
    steps = list(steps)
    counts = Counts(steps={name: StepCounts() for name, _ in steps})
    facts = FileFacts({})
    sample = Sample(file.path, whole=True)
    quarantine: list[dict[str, Any]] = []
    measured = time.perf_counter()
    for item in read_file(file, options, facts):
        counts.read += 1
        if isinstance(item, Document):
            _, reason, _ = take_steps(item, steps, counts)
            if reason is None:
                counts.kept += 1
            else:
                counts.dropped[reason] += 1
            if counts.read == 1:
                # The first document also pays for what is loaded once: tables, models, compiled code.
                measured = time.perf_counter()
            sample.documents += 1
            sample.text_bytes += len(item.text.encode())
        else:
            counts.quarantined[item.reason] += 1
            if len(quarantine) < QUARANTINE_REMEMBERED:
                found = {"file": file.path, "line": item.line, "offset": item.offset}
                quarantine.append(found | {"reason": item.reason, "detail": item.detail})
        if time.perf_counter() - measured > seconds:
            sample.whole = False
            break
    sample.seconds = time.perf_counter() - measured
    sample.result = {"counts": counts.as_json(), "quarantine": quarantine, "missing_keys": facts.keys}
    return sample


def _text_bytes(sample: Sample) -> float:
    """Return the bytes of a file's text: counted, or taken from its size."""
    if sample.whole:
        return sample.text_bytes
    plain = Path(sample.path).suffix.lower() not in (*SUFFIXES, ".zip", ".parquet", ".arrow")
    return Path(sample.path).stat().st_size * (1.0 if plain else TEXT_IN_COMPRESSED)
