"""The first stage, one job an input file: read its records, take the steps on each document, spool what remains."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.counts import Counts, StepCounts, length_class
from corpus.dedup.lines import LineCutter, LineWriter
from corpus.document import Document
from corpus.files import atomic_folder
from corpus.presets import Step, StepSpec, document_steps
from corpus.readers import BadRecord, FileFacts, InputFile, ReaderOptions, read_file
from corpus.readers.records import Part
from corpus.rejects import RejectWriter
from corpus.spool import Spool, SpoolWriter, documents_of
from corpus.steps.language import identify
from corpus.steps.pii import redact_text
from corpus.tables import TableWriter
from corpus.token_count import basic_tokens

QUARANTINE_REMEMBERED = 20
SAMPLES = 3
SAMPLE_CHARACTERS = 120

_LANGUAGE_EVERY = 8


def clean_file(spec: dict[str, Any]) -> dict[str, Any]:
    """Clean one input file into a new folder and return what the build needs to know of it.

    The folder holds ``documents.arrow``, ``keys.u64`` (see ``corpus.dedup.exact``), ``bands.u64`` where near duplicates
    are looked for, ``lines.u64`` where lines are, and ``rejected/<reason>/``; ``done.json``, which repeats the result,
    makes it a finished one. With ``spec["previous"]`` the documents come from the folder of an earlier stage, less the
    lines in its ``cut.npy``.
    """
    steps = document_steps(StepSpec(**step) for step in spec["steps"])
    previous = Path(spec["previous"]) if spec["previous"] else None
    counts = _earlier_counts(previous) if previous else Counts()
    for name, _ in steps:
        counts.steps[name] = StepCounts()
    facts = FileFacts({})
    quarantine: list[dict[str, Any]] = []
    with atomic_folder(spec["folder"]) as folder, _Sink(folder, spec, counts) as sink:
        items = _cut_documents(previous, spec, sink) if previous else _read(spec, facts, sink, quarantine)
        for item in items:
            document, reason, by = take_steps(item, steps, counts)
            if reason is None:
                sink.keep(document)
            else:
                sink.drop(document, reason, by)
        counts.encodings.update(facts.encodings)
        counts.repaired += facts.repaired
        counts.balance()
        result = {"counts": counts.as_json(), "quarantine": quarantine, "missing_keys": facts.keys}
        result["samples"] = sink.samples
        (folder / "done.json").write_text(json.dumps(result), encoding="utf-8")
    return result


class _Sink(contextlib.ExitStack):
    """Everything that a cleaned file's folder gets."""

    def __init__(self, folder: Path, spec: dict[str, Any], counts: Counts) -> None:
        super().__init__()
        self.counts = counts
        self.samples: dict[str, list[dict[str, str]]] = {}
        self._spool = self.enter_context(SpoolWriter(folder / "documents.arrow"))
        self._keys = self.enter_context(TableWriter(folder / "keys.u64", 4))
        self.rejects = self.enter_context(RejectWriter(folder / "rejected", f"{spec['name']}{spec['suffix']}"))
        self._bands: TableWriter | None = None
        self._lines: LineWriter | None = None
        if (near := spec["near"]) is not None:
            # Imported here: the compiled code costs a second, which builds without near deduplication need not pay.
            from corpus.dedup.minhash import BandWriter, MinHasher

            self._bander = BandWriter(MinHasher(ngram=near["ngram"], bands=near["bands"], rows=near["rows"]))
            self._bands = self.enter_context(TableWriter(folder / "bands.u64", near["bands"]))
        if spec["lines"] is not None:
            self._lines = LineWriter(spec["lines"], self.enter_context(TableWriter(folder / "lines.u64", 2)))

    def keep(self, document: Document) -> None:
        """Spool a document with its keys."""
        if self._lines is not None:
            self._lines.add(self.counts.kept, document.text)
        self._spool.write(document)
        self._keys.write(document_key(document))
        if self._bands is not None:
            self._bands.write(self._bander.keys(document.text))
        if isinstance(found := document.meta.get("pii"), dict):
            self.counts.pii.update(found)
        if self.counts.kept % _LANGUAGE_EVERY == 0:
            self.counts.languages[identify(document.text[:1000])] += 1
        self.counts.lengths_kept[length_class(len(document.text))] += 1
        self.counts.kept += 1
        self.counts.characters_kept += len(document.text)
        self.counts.tokens_kept += basic_tokens(document.text)

    def drop(self, document: Document, reason: str, step: str | None) -> None:
        """Count and keep a document that a step dropped."""
        self.counts.dropped[reason] += 1
        record = rejected_record(document, reason, step)
        self.rejects.write(reason, record)
        add_sample(self.samples, reason, record)


def _read(spec: dict[str, Any], facts: FileFacts, sink: _Sink, quarantine: list[dict[str, Any]]) -> Iterator[Document]:
    part = spec["file"]["part"]
    file = InputFile(**{**spec["file"], "part": part and Part(*part)})
    counts = sink.counts
    for item in read_file(file, ReaderOptions(**spec["options"]), facts):
        counts.read += 1
        if isinstance(item, Document):
            counts.characters_read += len(item.text)
            counts.tokens_read += basic_tokens(item.text)
            counts.lengths_read[length_class(len(item.text))] += 1
            yield item
            continue
        assert isinstance(item, BadRecord)
        counts.quarantined[item.reason] += 1
        place = file.path if item.member is None else f"{file.path}!{item.member}"
        record = {"file": place, "line": item.line, "offset": item.offset}
        record |= {"reason": item.reason, "detail": item.detail}
        sink.rejects.write(item.reason, record)
        if len(quarantine) < QUARANTINE_REMEMBERED:
            quarantine.append(record)


def _earlier_counts(previous: Path) -> Counts:
    counts = Counts.from_json(json.loads((previous / "done.json").read_text(encoding="utf-8"))["counts"])
    counts.kept = counts.characters_kept = counts.tokens_kept = 0
    for counter in (counts.pii, counts.languages, counts.lengths_kept):
        counter.clear()
    return counts


def _cut_documents(previous: Path, spec: dict[str, Any], sink: _Sink) -> Iterator[Document]:
    cutter = LineCutter(previous / "cut.npy")
    step = sink.counts.steps[spec["cut_by"]] = StepCounts()
    spool = Spool(previous / "documents.arrow")
    row = 0
    for batch in spool.batches():
        for document in documents_of(batch):
            text = cutter.cut(row, document.text)
            row += 1
            step.documents_in += 1
            step.characters_in += len(document.text)
            step.tokens_in += basic_tokens(document.text)
            if not text:
                sink.drop(document, "only_repeated_lines", spec["cut_by"])
                continue
            step.documents_out += 1
            step.characters_out += len(text)
            step.tokens_out += basic_tokens(text)
            if text != document.text:
                step.changed += 1
                document = dataclasses.replace(document, text=text)
            yield document
    spool.close()


def take_steps(
    document: Document, steps: list[tuple[str, Step]], counts: Counts
) -> tuple[Document, str | None, str | None]:
    """Return the document after the steps, and the reason and name of the step that dropped it, if one did."""
    size, tokens = len(document.text), basic_tokens(document.text)
    for name, step in steps:
        step_counts = counts.steps[name]
        step_counts.documents_in += 1
        step_counts.characters_in += size
        step_counts.tokens_in += tokens
        outcome = step(document)
        if isinstance(outcome, str):
            return document, outcome, name
        if outcome is not None:
            if not outcome.text:
                return document, "empty_after_cleaning", name
            if outcome.text is not document.text:
                step_counts.changed += 1
                size, tokens = len(outcome.text), basic_tokens(outcome.text)
            document = outcome
        step_counts.documents_out += 1
        step_counts.characters_out += size
        step_counts.tokens_out += tokens
    return document, None, None


def rejected_record(document: Document, reason: str, step: str | None) -> dict[str, Any]:
    """Return what is kept of a dropped document, personal data replaced."""
    text = redact_text(document.text)
    return {"id": redact_text(document.id), "source": document.source, "reason": reason, "step": step, "text": text}


def add_sample(samples: dict[str, list[dict[str, str]]], reason: str, record: dict[str, Any]) -> None:
    """Remember the beginning of a dropped record for the report, where it is one of the first of its reason."""
    mine = samples.setdefault(reason, [])
    if len(mine) < SAMPLES:
        text = record.get("text") or f"= {record.get('duplicate_of')}"
        mine.append({"id": record["id"], "text": text[:SAMPLE_CHARACTERS]})


def document_key(document: Document) -> bytes:
    """Return 32 bytes: the 128-bit hash of the text, the 64-bit hash of the id, the number of characters."""
    text = hashlib.blake2b(document.text.encode(), digest_size=16).digest()
    identity = hashlib.blake2b(document.id.encode(), digest_size=8).digest()
    return text + identity + len(document.text).to_bytes(8, "little")


def is_done(folder: Path) -> bool:
    """Tell whether a job's folder was finished."""
    return (folder / "done.json").is_file()
