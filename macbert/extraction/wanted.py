"""What to keep of an extraction, asked for in the form of UIE's schemas."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from corpus.errors import Problem, UserError
from macbert.annotations import Entity, Example, Relation

TRIGGER_SUFFIX = "触发词"
"""UIE asks for events as ``地震触发词`` with the roles below it."""

Schema = str | Sequence[Any] | Mapping[str, Any]


@dataclass
class Wanted:
    """A schema, read: what may stand alone, and what below what."""

    names: set[str] = field(default_factory=set)
    """Entity types (or classes) asked for by themselves."""

    below: dict[str, set[str]] = field(default_factory=dict)
    """Predicates below a subject type, or roles below an event type."""


def read_schema(schema: Schema, labels: Sequence[str], *, inner: Sequence[str] = ()) -> Wanted:
    """Read ``"时间"``, ``["人物", "地点"]``, ``{"人物": ["出生地"]}``, ``{"地震触发词": ["时间"]}`` and mixtures.

    Args:
        schema: in any of these forms.
        labels: what a model can give by itself: entity types, event types, subject types.
        inner: what it can give below another: predicates, roles.

    Raises:
        UserError: every name that the model does not know, with the nearest that it does; another form.

    >>> read_schema(["时间", {"人物": ["出生地"]}], ["时间", "人物"], inner=["出生地"]).below
    {'人物': {'出生地'}}
    """
    wanted, problems = Wanted(), []

    def check(name: Any, known: Sequence[str]) -> bool:
        if isinstance(name, str) and name in known:
            return True
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
        fix = f"did you mean '{near[0]}'?" if near else f"it knows: {', '.join(known[:20])}"
        problems.append(Problem("--schema", "a label of the model", f"'{name}'", fix))
        return False

    def read(part: Any) -> None:
        if isinstance(part, str):
            if check(_event(part, labels), labels):
                wanted.names.add(_event(part, labels))
        elif isinstance(part, Mapping):
            for name, children in part.items():
                own = [children] if isinstance(children, str) else children
                kind = _event(str(name), labels)
                if not check(kind, labels):
                    continue
                if not isinstance(own, Sequence) or not all(isinstance(child, str) for child in own):
                    found = json.dumps(children, ensure_ascii=False)[:40]
                    problems.append(Problem("--schema", f"a list of names below '{name}'", found, "nest once only"))
                    continue
                wanted.below.setdefault(kind, set()).update(child for child in own if check(child, inner))
        elif isinstance(part, Sequence):
            for item in part:
                read(item)
        else:
            problems.append(
                Problem("--schema", "names, lists and objects", type(part).__name__, "write it as UIE does")
            )

    read(schema)
    if problems:
        raise UserError(*problems)
    return wanted


def parse_schema(text: str) -> Schema:
    """Read a schema from a flag: JSON, or a single name."""
    if text.strip()[:1] not in ("[", "{", '"'):
        return text.strip()
    try:
        return json.loads(text)
    except ValueError:
        raise UserError.at(
            "--schema", expected="JSON or one name", found=text[:40], fix='quote names with ""'
        ) from None


def keep_wanted(example: Example, wanted: Wanted) -> Example:
    """Return a prediction with only what was asked for; relations keep their entities, whatever their types."""
    entities, relations = example.entities, example.relations
    if relations is not None and entities is not None:
        below = [r for r in relations if r.predicate in wanted.below.get(entities[r.subject].type, ())]
        used = {n for r in below for n in (r.subject, r.object, *r.slots.values())}
        used |= {n for n, entity in enumerate(entities) if entity.type in wanted.names}
        order = {old: new for new, old in enumerate(sorted(used))}
        relations = tuple(
            Relation(order[r.subject], r.predicate, order[r.object], {s: order[n] for s, n in r.slots.items()}, r.score)
            for r in below
        )
        entities = tuple(entities[n] for n in sorted(used))
    elif entities is not None:
        entities = tuple(entity for entity in entities if entity.type in wanted.names or entity.type in wanted.below)
    events = example.events
    if events is not None:
        events = tuple(
            replace(
                event,
                arguments=tuple(
                    argument
                    for argument in event.arguments
                    if event.type in wanted.names or argument.role in wanted.below[event.type]
                ),
            )
            for event in events
            if event.type in wanted.names or event.type in wanted.below
        )
    return replace(example, entities=entities, relations=relations, events=events)


def uie_result(example: Example) -> dict[str, list[dict[str, Any]]]:
    """Return a prediction in UIE's nested form: ``{type: [{text, start, end, probability, relations: {...}}]}``.

    Events stand under ``<type>触发词``, their arguments as its relations; one without a trigger stands at [0, 0).
    """

    def item(span: Any) -> dict[str, Any]:
        found = {"text": example.slice(span), "start": span.start, "end": span.end}
        return found if getattr(span, "score", None) is None else {**found, "probability": span.score}

    result: dict[str, list[dict[str, Any]]] = {}
    entities: Sequence[Entity] = example.entities or ()
    placed = [item(entity) for entity in entities]
    for entity, entry in zip(entities, placed, strict=True):
        result.setdefault(entity.type, []).append(entry)
    for relation in example.relations or ():
        # A copy: an object may itself be a subject, and JSON has no circles.
        value = {**item(entities[relation.object])}
        if relation.slots:
            value["relations"] = {slot: [item(entities[n])] for slot, n in relation.slots.items()}
        placed[relation.subject].setdefault("relations", {}).setdefault(relation.predicate, []).append(value)
    for event in example.events or ():
        entry = {"text": "", "start": 0, "end": 0} if event.trigger is None else item(event.trigger)
        if event.score is not None:
            entry["probability"] = event.score
        for argument in event.arguments:
            entry.setdefault("relations", {}).setdefault(argument.role, []).append(item(argument))
        result.setdefault(f"{event.type}{TRIGGER_SUFFIX}", []).append(entry)
    return result


def _event(name: str, labels: Sequence[str]) -> str:
    bare = name.removesuffix(TRIGGER_SUFFIX)
    return bare if name not in labels and bare in labels else name
