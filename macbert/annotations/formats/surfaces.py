"""CLUENER and CMeEE: entities with inclusive ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from corpus.files import atomic_file
from macbert.annotations.formats.records import (
    bad_span,
    identifier,
    number_or_text,
    reads_records,
    write_json_lines,
)
from macbert.annotations.schema import Entity, Example


@reads_records("text")
def read_cluener(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``{text, label: {type: {surface: [[start, last], ...]}}}``; texts of the test set have no ``label``."""
    found: list[Entity] = []
    for kind, surfaces in (value.get("label") or {}).items():
        for surface, places in surfaces.items():
            for start, last in places:
                if problem := bad_span(value["text"], start, last + 1, surface, where, f"the {kind}"):
                    yield problem
                else:
                    found.append(Entity(start, last + 1, kind))
    entities = tuple(sorted(found, key=lambda e: e.key)) if "label" in value else None
    yield Example(value["text"], id=identifier(value), entities=entities, where=where)


def write_cluener(path: Path, examples: list[Example]) -> None:
    """Write CLUENER's JSON lines; ids that are numbers are written as numbers."""
    write_json_lines(path, (_cluener(example) for example in examples))


@reads_records("text")
def read_cmeee(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``[{text, entities: [{start_idx, end_idx, type, entity}]}]``; ``end_idx`` is the last character."""
    found = []
    for number, item in enumerate(value.get("entities") or ()):
        start, last = item.get("start_idx"), item.get("end_idx")
        end = last + 1 if isinstance(last, int) else last
        if problem := bad_span(value["text"], start, end, item.get("entity"), where, f"entities[{number}]"):
            yield problem
        else:
            found.append(Entity(start, end, item["type"]))
    yield Example(value["text"], entities=tuple(found) if "entities" in value else None, where=where)


def write_cmeee(path: Path, examples: list[Example]) -> None:
    """Write CMeEE's JSON array."""
    rows = []
    for example in examples:
        entities = [
            {"start_idx": e.start, "end_idx": e.end - 1, "type": e.type, "entity": example.slice(e)}
            for e in example.entities or ()
        ]
        rows.append({"text": example.text, **({} if example.entities is None else {"entities": entities})})
    with atomic_file(path) as stream:
        json.dump(rows, stream, ensure_ascii=False, indent=2)


def _cluener(example: Example) -> dict[str, Any]:
    value: dict[str, Any] = {} if example.id is None else {"id": number_or_text(example.id)}
    value["text"] = example.text
    if example.entities is not None:
        label: dict[str, dict[str, list[list[int]]]] = {}
        for entity in example.entities:
            places = label.setdefault(entity.type, {}).setdefault(example.slice(entity), [])
            places.append([entity.start, entity.end - 1])
        value["label"] = label
    return value
