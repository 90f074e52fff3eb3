"""doccano's JSON lines, older and newer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.records import (
    bad_span,
    identifier,
    number_or_text,
    reads_records,
    write_json_lines,
)
from macbert.annotations.schema import Entity, Example, Relation


@reads_records()
def read_doccano(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read spans (``entities`` with ids and ``relations`` between them, or ``label``/``labels`` as [start, end, type])
    and classes (``label`` as strings); ends are exclusive."""
    text, own = value.get("text", value.get("data")), identifier(value)
    if not isinstance(text, str) or not text:
        yield Problem(where, "a string 'text' or 'data'", "none", "mend the source")
        return
    labels = value.get("label", value.get("labels"))
    if "entities" in value:
        yield from _spans(value, text, own, where)
    elif isinstance(labels, list) and all(isinstance(label, str) for label in labels) and labels:
        one = {"label": labels[0]} if len(labels) == 1 else {"labels": tuple(labels)}
        yield Example(text, id=own, where=where, **one)
    elif isinstance(labels, list):
        found = []
        for number, (start, end, kind) in enumerate(labels):
            if problem := bad_span(text, start, end, None, where, f"label[{number}]"):
                yield problem
            else:
                found.append(Entity(start, end, kind))
        yield Example(text, id=own, entities=tuple(found), where=where)
    else:
        yield Example(text, id=own, label=labels, where=where)


def _spans(value: dict[str, Any], text: str, own: str | None, where: str) -> Iterator[Example | Problem]:
    entities: list[Entity] = []
    places: dict[Any, int] = {}
    for item in value["entities"]:
        start, end = item.get("start_offset"), item.get("end_offset")
        if problem := bad_span(text, start, end, None, where, f"entity {item.get('id')}"):
            yield problem
            continue
        places[item.get("id")] = len(entities)
        entities.append(Entity(start, end, item["label"]))
    relations = []
    for item in value.get("relations") or ():
        ends = (item.get("from_id"), item.get("to_id"))
        if not all(end in places for end in ends):
            yield Problem(where, "relations between entities of the text", f"ids {ends}", "mend the source")
            continue
        relations.append(Relation(places[ends[0]], item["type"], places[ends[1]]))
    found = tuple(relations) if "relations" in value else None
    yield Example(text, id=own, entities=tuple(entities), relations=found, where=where)


def write_doccano(path: Path, examples: list[Example]) -> None:
    """Write doccano's newer form; ids of entities and relations are counted over the file."""
    rows, last = [], 0
    for number, example in enumerate(examples, 1):
        row: dict[str, Any] = {"id": number_or_text(example.id or str(number)), "text": example.text}
        if example.label is not None or example.labels is not None:
            row["label"] = [example.label] if example.label is not None else list(example.labels or ())
        if example.entities is not None:
            first = last + 1
            row["entities"] = [
                {"id": first + n, "label": e.type, "start_offset": e.start, "end_offset": e.end}
                for n, e in enumerate(example.entities)
            ]
            last += len(example.entities)
            if example.relations is not None:
                row["relations"] = [
                    {"id": n, "from_id": first + r.subject, "to_id": first + r.object, "type": r.predicate}
                    for n, r in enumerate(example.relations, 1)
                ]
        rows.append(row)
    write_json_lines(path, rows)
