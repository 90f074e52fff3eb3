"""Entities and relations of whole documents as JSON: ``{id, text, entities, ent_ids, relations}``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.records import bad_span, reads_records, write_json_lines
from macbert.annotations.schema import Entity, Example, Relation


@reads_records("text", "entities", "ent_ids", "relations")
def read_documents(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``entities`` as [start, end, type], named by ``ent_ids``, and ``relations`` as [type, id, id].

    The names are kept as ``ent_ids``.
    """
    entities: list[Entity] = []
    places: dict[str, int] = {}
    for name, (start, end, kind) in zip(value["ent_ids"], value["entities"], strict=True):
        if problem := bad_span(value["text"], start, end, None, where, name):
            yield problem
            continue
        if name in places:
            yield Problem(where, "each id once", f"'{name}' again", "relations of it go to the first; mend the source")
        places.setdefault(name, len(entities))
        entities.append(Entity(start, end, kind))
    relations = []
    for kind, first, second in value["relations"]:
        if first in places and second in places:
            relations.append(Relation(places[first], kind, places[second]))
        else:
            yield Problem(where, "a relation between entities here", f"{kind} {first} {second}", "mend the source")
    extra = {"ent_ids": [name for name in value["ent_ids"] if name in places]}
    own = None if value.get("id") is None else str(value["id"])
    yield Example(value["text"], id=own, entities=tuple(entities), relations=tuple(relations), extra=extra, where=where)


def write_documents(path: Path, examples: list[Example]) -> None:
    """Write one document a line; entities without names of their own are called T1, T2 ..."""
    rows = []
    for example in examples:
        entities = example.entities or ()
        names = example.extra.get("ent_ids") or [f"T{number}" for number in range(1, len(entities) + 1)]
        rows.append(
            {
                **({} if example.id is None else {"id": example.id}),
                "text": example.text,
                "entities": [[e.start, e.end, e.type] for e in entities],
                "ent_ids": names,
                "relations": [[r.predicate, names[r.subject], names[r.object]] for r in example.relations or ()],
            }
        )
    write_json_lines(path, rows)
