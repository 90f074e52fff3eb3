"""DuIE 1.0 and 2.0: triples of surfaces without offsets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.occurrences import nearest, nearest_pair
from macbert.annotations.formats.records import identifier, reads_records, write_json_lines
from macbert.annotations.schema import Entity, Example, Relation

MAIN = "@value"


@reads_records("text")
def read_duie(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``{text, spo_list: [{subject, subject_type, predicate, object, object_type}]}``, objects flat or with slots.

    A subject and its main object are put to the occurrences nearest to each other, slots to those nearest to the
    subject. A triple with a surface that the text lacks is a problem and is left out.
    """
    entities: dict[tuple[int, int, str], int] = {}
    relations = []
    for number, spo in enumerate(value.get("spo_list") or ()):
        found = _relation(value["text"], spo, entities)
        if isinstance(found, str):
            yield Problem(where, f"spo_list[{number}] with surfaces of the text", found, "mend the source")
        else:
            relations.append(found)
    known = "spo_list" in value
    yield Example(
        value["text"],
        id=identifier(value),
        entities=tuple(Entity(*key) for key in entities) if known else None,
        relations=tuple(relations) if known else None,
        where=where,
    )


def write_duie(path: Path, examples: list[Example]) -> None:
    """Write DuIE 2.0's JSON lines."""
    write_json_lines(path, (_duie(example) for example in examples))


def _relation(text: str, spo: dict[str, Any], entities: dict[tuple[int, int, str], int]) -> Relation | str:
    objects = spo["object"] if isinstance(spo["object"], dict) else {MAIN: spo["object"]}
    types = spo.get("object_type", "")
    types = types if isinstance(types, dict) else {MAIN: types}
    subject, main = spo["subject"], objects.get(MAIN, "")
    pair = nearest_pair(text, subject, main)
    if pair is None:
        return f"'{subject[:20]}' or '{main[:20]}' absent"
    starts = {slot: nearest(text, surface, (pair[0], pair[0] + len(subject))) for slot, surface in objects.items()}
    starts[MAIN] = pair[1]
    if absent := [slot for slot, start in starts.items() if start is None]:
        return f"{absent[0]} '{objects[absent[0]][:20]}' absent"

    def number(start: int | None, surface: str, kind: str) -> int:
        assert start is not None
        return entities.setdefault((start, start + len(surface), kind or "?"), len(entities))

    first = number(pair[0], subject, spo.get("subject_type", ""))
    # The main object first, then slots by name: the source orders them at will.
    slots = [MAIN, *sorted(slot for slot in objects if slot != MAIN)]
    places = {slot: number(starts[slot], objects[slot], types.get(slot, "")) for slot in slots}
    return Relation(first, spo["predicate"], places.pop(MAIN), places)


def _duie(example: Example) -> dict[str, Any]:
    entities = example.entities or ()
    rows = []
    for relation in example.relations or ():
        places = {MAIN: relation.object, **relation.slots}
        subject = entities[relation.subject]
        rows.append(
            {
                "predicate": relation.predicate,
                "subject": example.slice(subject),
                "subject_type": _type(subject),
                "object": {slot: example.slice(entities[number]) for slot, number in places.items()},
                "object_type": {slot: _type(entities[number]) for slot, number in places.items()},
            }
        )
    value = {"text": example.text, **({} if example.relations is None else {"spo_list": rows})}
    return value if example.id is None else {"id": example.id, **value}


def _type(entity: Entity) -> str:
    return "" if entity.type == "?" else entity.type
