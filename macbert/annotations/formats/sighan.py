"""Spelling correction as JSON: ``{id, original_text, wrong_ids, correct_text}``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from corpus.files import atomic_file
from macbert.annotations.formats.records import identifier, reads_records
from macbert.annotations.schema import Example


@reads_records("original_text", "correct_text")
def read_sighan(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read pairs of equal length; ``wrong_ids``, if given, must be the places that differ."""
    source, target = value["original_text"], value["correct_text"]
    if len(source) != len(target) or not source:
        found = f"{len(source)} and {len(target)} characters"
        yield Problem(where, "texts of one length", found, "only equal lengths can be corrected")
        return
    wrong = _wrong(source, target)
    if "wrong_ids" in value and sorted(value["wrong_ids"]) != wrong:
        yield Problem(where, f"wrong_ids {wrong}", str(value["wrong_ids"]), "read by the texts; mend the source")
    yield Example(source, id=identifier(value), target=target, where=where)


def write_sighan(path: Path, examples: list[Example]) -> None:
    """Write a JSON array."""
    rows = []
    for number, example in enumerate(examples):
        target = example.target or example.text
        wrong = _wrong(example.text, target)
        own = example.id or str(number)
        rows.append({"id": own, "original_text": example.text, "wrong_ids": wrong, "correct_text": target})
    with atomic_file(path) as stream:
        json.dump(rows, stream, ensure_ascii=False, indent=1)


def _wrong(source: str, target: str) -> list[int]:
    return [place for place, (a, b) in enumerate(zip(source, target, strict=True)) if a != b]
