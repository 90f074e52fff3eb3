"""Label Studio's JSON export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from corpus.files import atomic_file
from macbert.annotations.formats.records import bad_span, identifier, number_or_text, reads_records
from macbert.annotations.schema import Entity, Example, Relation


@reads_records()
def read_label_studio(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read spans, relations and choices of the first annotation of each task; ``value.text`` may be missing.

    A span with several labels becomes one entity each. A second annotation of a task, and results of other kinds, are
    problems, not silently dropped. Browsers count emoji as two: where a span's ``text`` stands at its places so counted
    and not at its places as they are, it is read so.
    """
    text = (value.get("data") or {}).get("text")
    if not isinstance(text, str) or not text:
        yield Problem(where, "a string data.text", "none", "export tasks with a 'text' field")
        return
    annotations = value.get("annotations") or []
    if len(annotations) > 1:
        yield Problem(where, "one annotation a task", f"{len(annotations)}", "the first was read; settle the others")
    yield from _task(text, annotations[0].get("result", []) if annotations else [], identifier(value), where)


def _task(text: str, results: list[Any], own: str | None, where: str) -> Iterator[Example | Problem]:
    entities: list[Entity] = []
    places: dict[str, int] = {}
    choices: list[str] = []
    for item in results:
        kind = item.get("type")
        if kind == "labels":
            span = item["value"]
            start, end = _code_points(text, span["start"], span["end"], span.get("text"))
            if problem := bad_span(text, start, end, span.get("text"), where, f"span {item.get('id')}"):
                yield problem
                continue
            places[item.get("id")] = len(entities)
            entities += [Entity(start, end, label) for label in span["labels"]]
        elif kind == "choices":
            choices += item["value"]["choices"]
        elif kind != "relation":
            fix = "it was left out: only labels, choices and relations are read"
            yield Problem(where, "labels, choices or relations", f"'{kind}'", fix)
    relations = []
    for item in results:
        if item.get("type") == "relation":
            ends = (item.get("from_id"), item.get("to_id"))
            if not all(end in places for end in ends):
                yield Problem(where, "relations between spans of the text", f"ids {ends}", "mend the source")
                continue
            for predicate in item.get("labels") or ["related"]:
                relations.append(Relation(places[ends[0]], predicate, places[ends[1]]))
    several = {"labels": tuple(choices)} if len(choices) > 1 else {"label": choices[0] if choices else None}
    found = tuple(relations) if relations else None
    yield Example(text, id=own, entities=tuple(entities), relations=found, where=where, **several)


def _code_points(text: str, start: Any, end: Any, surface: str | None) -> tuple[Any, Any]:
    """Return a span in code points, turned from UTF-16 units where only so it holds its surface."""
    if not isinstance(start, int) or not isinstance(end, int) or surface is None or text[start:end] == surface:
        return start, end
    units = text.encode("utf-16-le")
    first = len(units[: 2 * start].decode("utf-16-le", "replace"))
    turned = (first, first + len(surface))
    return (
        turned
        if text[slice(*turned)] == surface and end - start == len(surface.encode("utf-16-le")) // 2
        else (start, end)
    )


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
        chosen = [example.label] if example.label is not None else list(example.labels or ())
        if chosen:
            choice = {"choices": chosen}
            results.append({"id": "c", "type": "choices", "from_name": "class", "to_name": "text", "value": choice})
        name = number_or_text(example.id or str(number))
        tasks.append({"id": name, "data": {"text": example.text}, "annotations": [{"result": results}]})
    with atomic_file(path) as stream:
        json.dump(tasks, stream, ensure_ascii=False, indent=1)
