"""Label Studio's JSON export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from corpus.files import atomic_file
from macbert.annotations.formats.records import bad_span, json_records
from macbert.annotations.schema import Entity, Example, Relation


def read_label_studio(path: Path) -> Iterator[Example | Problem]:
    """Read spans, relations and single choices of the first annotation of each task; ``value.text`` may be missing.

    A second annotation of a task is a problem, not silently dropped.
    """
    for record in json_records(path):
        if isinstance(record, Problem):
            yield record
            continue
        value, where = record
        text = (value.get("data") or {}).get("text")
        if not isinstance(text, str) or not text:
            yield Problem(where, "a string data.text", "none", "export tasks with a 'text' field")
            continue
        annotations = value.get("annotations") or []
        if len(annotations) > 1:
            yield Problem(
                where, "one annotation a task", f"{len(annotations)}", "the first was read; settle the others"
            )
        results = annotations[0].get("result", []) if annotations else []
        yield from _task(text, results, None if value.get("id") is None else str(value["id"]), where)


def _task(text: str, results: list[Any], identifier: str | None, where: str) -> Iterator[Example | Problem]:
    entities: list[Entity] = []
    places: dict[str, int] = {}
    label = None
    for item in results:
        if item.get("type") == "labels":
            span = item["value"]
            if problem := bad_span(text, span["start"], span["end"], span.get("text"), where, f"span {item.get('id')}"):
                yield problem
                continue
            places[item.get("id")] = len(entities)
            entities.append(Entity(span["start"], span["end"], span["labels"][0]))
        elif item.get("type") == "choices":
            label = item["value"]["choices"][0]
    relations = []
    for item in results:
        if item.get("type") == "relation":
            ends = (item.get("from_id"), item.get("to_id"))
            if not all(end in places for end in ends):
                yield Problem(where, "relations between spans of the text", f"ids {ends}", "mend the source")
                continue
            predicate = (item.get("labels") or ["related"])[0]
            relations.append(Relation(places[ends[0]], predicate, places[ends[1]]))
    found = tuple(relations) if relations else None
    yield Example(text, id=identifier, label=label, entities=tuple(entities), relations=found, where=where)


def write_label_studio(path: Path, examples: list[Example]) -> None:
    """Write tasks with one annotation each, for import."""
    tasks = []
    for number, example in enumerate(examples, 1):
        results: list[dict[str, Any]] = [
            {
                "id": f"e{n}",
                "type": "labels",
                "from_name": "label",
                "to_name": "text",
                "value": {"start": e.start, "end": e.end, "text": example.slice(e), "labels": [e.type]},
            }
            for n, e in enumerate(example.entities or ())
        ]
        results += [
            {
                "type": "relation",
                "from_id": f"e{r.subject}",
                "to_id": f"e{r.object}",
                "direction": "right",
                "labels": [r.predicate],
            }
            for r in example.relations or ()
        ]
        if example.label is not None:
            choice = {"choices": [example.label]}
            results.append({"id": "c", "type": "choices", "from_name": "class", "to_name": "text", "value": choice})
        identifier = example.id or str(number)
        name = int(identifier) if identifier.isdigit() else identifier
        tasks.append({"id": name, "data": {"text": example.text}, "annotations": [{"result": results}]})
    with atomic_file(path) as stream:
        json.dump(tasks, stream, ensure_ascii=False, indent=1)
