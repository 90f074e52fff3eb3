"""One relation a text as JSON: ``{text, head, tail, label}``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from macbert.annotations.formats.occurrences import nearest_pair
from macbert.annotations.formats.records import reads_records, write_json_lines
from macbert.annotations.schema import Entity, Example, Relation

NONE = "unknown"
"""The label that says "no relation"."""

ENTITY = "实体"
"""Type of both ends: the form has none."""


@reads_records("text", "head", "tail", "label")
def read_triples(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read one relation a text, at the occurrences of its ends that lie nearest to each other."""
    text, head, tail = value["text"], value["head"], value["tail"]
    pair = nearest_pair(text, head, tail)
    if pair is None:
        yield Problem(where, "head and tail that stand in the text", f"'{head[:20]}', '{tail[:20]}'", "mend it")
        return
    entities = (Entity(pair[0], pair[0] + len(head), ENTITY), Entity(pair[1], pair[1] + len(tail), ENTITY))
    relations = () if value["label"] == NONE else (Relation(0, value["label"], 1),)
    yield Example(text, entities=entities, relations=relations, where=where)


def write_triples(path: Path, examples: list[Example]) -> None:
    """Write texts of two entities and at most one relation, from the first to the second.

    Raises:
        UserError: texts of another kind.
    """
    rows, problems = [], []
    for example in examples:
        entities, relations = example.entities or (), example.relations or ()
        if len(entities) != 2 or len(relations) > 1 or any((r.subject, r.object) != (0, 1) for r in relations):
            found = f"{len(entities)} and {len(relations)}"
            expected = "two entities and at most one relation, from the first to the second"
            problems.append(Problem(example.where or str(path), expected, found, "write another format (duie)"))
            continue
        head, tail = map(example.slice, entities)
        label = relations[0].predicate if relations else NONE
        rows.append({"text": example.text, "head": head, "tail": tail, "label": label})
    if problems:
        raise UserError(*problems)
    write_json_lines(path, rows)
