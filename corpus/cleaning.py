"""The first stage, one job an input file: read its records, take the steps on each document, spool what remains."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from corpus.counts import Counts, StepCounts
from corpus.document import Document
from corpus.files import atomic_folder
from corpus.presets import Step, StepSpec, document_steps
from corpus.readers import BadRecord, FileFacts, InputFile, ReaderOptions, read_file
from corpus.rejects import RejectWriter
from corpus.spool import SpoolWriter
from corpus.steps.pii import redact_text

QUARANTINE_REMEMBERED = 20


def clean_file(spec: dict[str, Any]) -> dict[str, Any]:
    """Clean one input file into a new folder and return what the build needs to know of it.

    The folder holds ``documents.arrow``, ``keys.npy`` (see ``corpus.dedup.exact``), ``bands.npy`` where near duplicates
    are looked for, and ``rejected/<reason>/``; ``done.json``, which repeats the result, makes it a finished one.
    """
    file = InputFile(**spec["file"])
    steps = document_steps(StepSpec(**step) for step in spec["steps"])
    facts = FileFacts({})
    counts = Counts(steps={name: StepCounts() for name, _ in steps})
    quarantine: list[dict[str, Any]] = []
    keys: list[bytes] = []
    bands: list[bytes] = []
    near = spec["near"]
    writer = None
    if near is not None:
        # Imported here: the compiled code costs a second, which builds without near deduplication need not pay.
        from corpus.dedup.minhash import BandWriter, MinHasher

        writer = BandWriter(MinHasher(ngram=near["ngram"], bands=near["bands"], rows=near["rows"]))
    with (
        atomic_folder(spec["folder"]) as folder,
        SpoolWriter(folder / "documents.arrow") as spool,
        RejectWriter(folder / "rejected", spec["name"]) as rejects,
    ):
        for item in read_file(file, ReaderOptions(**spec["options"]), facts):
            counts.read += 1
            if isinstance(item, BadRecord):
                counts.quarantined[item.reason] += 1
                record = {"file": file.path, "line": item.line, "offset": item.offset, "reason": item.reason}
                record["detail"] = item.detail
                rejects.write(item.reason, record)
                if len(quarantine) < QUARANTINE_REMEMBERED:
                    quarantine.append(record)
                continue
            counts.characters_read += len(item.text)
            document, reason, by = take_steps(item, steps, counts)
            if reason is not None:
                counts.dropped[reason] += 1
                rejects.write(reason, rejected_record(document, reason, by))
                continue
            spool.write(document)
            keys.append(document_key(document))
            if writer is not None:
                bands.append(writer.keys(document.text))
            counts.kept += 1
            counts.characters_kept += len(document.text)
        counts.encodings.update(facts.encodings)
        counts.repaired = facts.repaired
        np.save(folder / "keys.npy", np.frombuffer(b"".join(keys), dtype=np.uint64).reshape(-1, 4))
        if near is not None:
            np.save(folder / "bands.npy", np.frombuffer(b"".join(bands), dtype=np.uint64).reshape(-1, near["bands"]))
        result = {"counts": counts.as_json(), "quarantine": quarantine, "missing_keys": facts.keys}
        (folder / "done.json").write_text(json.dumps(result), encoding="utf-8")
    counts.balance()
    return result


def take_steps(
    document: Document, steps: list[tuple[str, Step]], counts: Counts
) -> tuple[Document, str | None, str | None]:
    """Return the document after the steps, and the reason and name of the step that dropped it, if one did."""
    for name, step in steps:
        step_counts = counts.steps[name]
        size = len(document.text)
        step_counts.documents_in += 1
        step_counts.characters_in += size
        outcome = step(document)
        if isinstance(outcome, str):
            return document, outcome, name
        if outcome is not None:
            document = outcome
            if not document.text:
                return document, "empty_after_cleaning", name
            step_counts.changed += 1
            size = len(document.text)
        step_counts.documents_out += 1
        step_counts.characters_out += size
    return document, None, None


def rejected_record(document: Document, reason: str, step: str | None) -> dict[str, Any]:
    """Return what is kept of a dropped document."""
    text = redact_text(document.text)
    return {"id": redact_text(document.id), "source": document.source, "reason": reason, "step": step, "text": text}


def document_key(document: Document) -> bytes:
    """Return 32 bytes: the 128-bit hash of the text, the 64-bit hash of the id, the number of characters."""
    text = hashlib.blake2b(document.text.encode(), digest_size=16).digest()
    identity = hashlib.blake2b(document.id.encode(), digest_size=8).digest()
    return text + identity + len(document.text).to_bytes(8, "little")


def is_done(folder: Path) -> bool:
    """Tell whether a job's folder was finished."""
    return (folder / "done.json").is_file()
