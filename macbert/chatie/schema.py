"""What is asked for: labels, with the types of a relation's parts and the roles of an event."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.errors import UserError
from macbert.annotations import Example
from macbert.annotations.reading import json_lines, read_all
from macbert.extraction.wanted import TRIGGER_SUFFIX

MAIN_SLOT = "@value"


@dataclass(frozen=True)
class Label:
    """One entity type, relation or event type."""

    name: str
    """As in the data."""

    description: str = ""
    """What it means, where the name does not say it."""

    subject: str = ""
    """Of a relation: the type of its subject."""

    object: str = ""
    """Of a relation: the type of its main object."""

    slots: Mapping[str, str] = field(default_factory=dict)
    """Of a relation with a complex object: the type of each further part, by its name (DuIE's ``inWork`` ...)."""

    roles: tuple[str, ...] = ()
    """Of an event type: its argument roles."""


@dataclass(frozen=True)
class Schema:
    """The closed list of labels of one task."""

    task: str
    """ner, relation or event."""

    labels: tuple[Label, ...]
    """In the order in which they are shown."""

    source: str
    """Where it comes from, for the report."""

    @property
    def names(self) -> list[str]:
        """Every label's name."""
        return [label.name for label in self.labels]

    def __getitem__(self, name: str) -> Label:
        return next(label for label in self.labels if label.name == name)


def schema_of(task: str, examples: Sequence[Example], source: str) -> Schema:
    """Return the labels that annotated texts have: what a closed list is where no schema file is given.

    A relation's types are those that it has most often; an event's roles are all that occur, the most frequent first.
    """
    if task == "ner":
        names = sorted({entity.type for example in examples for entity in example.entities or ()})
        return Schema(task, tuple(Label(name) for name in names), source)
    if task == "event":
        roles: dict[str, Counter[str]] = defaultdict(Counter)
        for event in (event for example in examples for event in example.events or ()):
            roles[event.type].update(argument.role for argument in event.arguments)
        found = (Label(name, roles=tuple(role for role, _ in _most(roles[name]))) for name in sorted(roles))
        return Schema(task, tuple(found), source)
    parts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for example in examples:
        entities = example.entities or ()
        for relation in example.relations or ():
            of = parts[relation.predicate]
            of["subject"][entities[relation.subject].type] += 1
            for slot, number in {MAIN_SLOT: relation.object, **relation.slots}.items():
                of[slot][entities[number].type] += 1
    labels = []
    for name in sorted(parts):
        types = {part: _most(counts)[0][0] for part, counts in parts[name].items()}
        subject, main = types.pop("subject"), types.pop(MAIN_SLOT)
        labels.append(Label(name, subject=subject, object=main, slots=dict(sorted(types.items()))))
    return Schema(task, tuple(labels), source)


def read_schema(task: str, given: str) -> Schema:
    """Read a schema from a file or from the flag itself.

    Forms: DuIE's and DuEE's schema files (one JSON object a line, or an array of them); ``["人物", "地点"]``;
    ``{"人物": "人的名字"}`` with descriptions (ner); UIE's ``{"人物": ["出生地"]}`` (relation) and
    ``{"地震触发词": ["时间"]}`` (event).

    Raises:
        UserError: no such file, not JSON, or a form that says nothing for the task.

    >>> read_schema("event", '{"地震触发词": ["时间", "震级"]}').labels[0].roles
    ('时间', '震级')
    """
    is_inline = given.lstrip()[:1] in ("[", "{")
    source = "--schema" if is_inline else given
    try:
        value = json.loads(given if is_inline else read_all(given))
    except ValueError:
        if is_inline:
            raise UserError.at("--schema", expected="JSON", found=given[:40], fix='quote names with ""') from None
        rows = list(json_lines(Path(given)))
        if problems := [problem for _, _, problem in rows if problem is not None]:
            raise UserError(*problems) from None
        value = [row for row, _, _ in rows]
    labels = tuple(_labels(task, value if isinstance(value, list) else [value], source))
    if not labels:
        raise _unsuited(task, source, "no label")
    names = [label.name for label in labels]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError.at(source, expected="each label once", found=f"'{twice[0]}' twice", fix="remove one")
    return Schema(task, labels, source)


def _labels(task: str, items: Iterable[Any], source: str) -> Iterable[Label]:
    for item in items:
        if isinstance(item, str) and task != "relation":
            yield Label(item)
        elif isinstance(item, Mapping) and "event_type" in item and task == "event":
            roles = (role["role"] if isinstance(role, Mapping) else str(role) for role in item.get("role_list", ()))
            yield Label(item["event_type"], roles=tuple(roles))
        elif isinstance(item, Mapping) and "predicate" in item and task == "relation":
            types = item.get("object_type", "")
            types = dict(types) if isinstance(types, Mapping) else {MAIN_SLOT: types}
            main = types.pop(MAIN_SLOT, "")
            yield Label(item["predicate"], subject=item.get("subject_type", ""), object=main, slots=types)
        elif isinstance(item, Mapping):
            yield from _named(task, item, source)
        else:
            raise _unsuited(task, source, json.dumps(item, ensure_ascii=False)[:40])


def _named(task: str, item: Mapping[str, Any], source: str) -> Iterable[Label]:
    for name, below in item.items():
        children = [below] if isinstance(below, str) else below
        if not isinstance(children, list) or not all(isinstance(child, str) for child in children):
            raise _unsuited(task, source, json.dumps({name: below}, ensure_ascii=False)[:40])
        if task == "ner":
            yield Label(name, description="、".join(children))
        elif task == "event":
            yield Label(name.removesuffix(TRIGGER_SUFFIX), roles=tuple(children))
        else:
            yield from (Label(child, subject=name) for child in children)


def _unsuited(task: str, source: str, found: str) -> UserError:
    forms = {"ner": '["人物", "地点"]', "relation": '{"人物": ["出生地"]}', "event": '{"地震": ["时间", "震级"]}'}
    return UserError.at(source, expected=f"labels for {task}, such as {forms[task]}", found=found, fix="mend it")


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
