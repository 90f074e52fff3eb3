"""Names, relations and events that a reply tells, still as strings; nothing is looked up in the text yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from macbert.chatie.answers.loose_json import json_values
from macbert.chatie.answers.plain import is_none, is_none_word


@dataclass(frozen=True)
class FoundName:
    """An entity as told."""

    type: str
    text: str


@dataclass(frozen=True)
class FoundRelation:
    """A relation as told."""

    predicate: str
    subject: str
    object: str
    slots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundEvent:
    """An event as told."""

    type: str
    arguments: tuple[tuple[str, str], ...] = ()
    """(role, text)."""

    trigger: str | None = None


_TEXT = ("text", "entity", "name", "实体", "名称", "value", "content", "argument", "论元", "论元内容")
_TYPE = ("type", "label", "类型", "实体类型", "event_type", "事件类型")
_PREDICATE = ("predicate", "relation", "type", "关系", "关系类型")
_SUBJECT = ("subject", "head", "主体", "头实体")
_OBJECT = ("object", "tail", "客体", "尾实体")
_ROLE = ("role", "论元角色", "角色")
_TRIGGER = ("trigger", "触发词")


def name_items(reply: str, label: str | None, notes: Counter[str]) -> list[FoundName]:
    """Return the entities of a JSON reply: strings (of ``label``), pairs, or objects with a text and a type."""
    found = []
    for item in _items(reply, "entities", notes):
        text: str | None = None
        kind: str | None = None
        if isinstance(item, str):
            text, kind = item, label
        elif isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item):
            text, kind = item
        elif isinstance(item, dict):
            text, kind = _get(item, _TEXT), _get(item, _TYPE) or label
        if text is None or kind is None:
            notes["bad_row"] += 1
        elif is_none_word(text):
            notes["none"] += 1
        else:
            found.append(FoundName(label or kind, text))
    return found


def relation_items(
    reply: str, label: str | None, slots: Sequence[str], notes: Counter[str], aliases: Mapping[str, str]
) -> list[FoundRelation]:
    """Return the relations of a JSON reply; ``aliases`` are other keys for subject and object (their types)."""
    found = []
    for item in _items(reply, "relations", notes):
        if isinstance(item, list) and all(isinstance(part, str) for part in item) and len(item) in (2, 3):
            item = dict(zip(("subject", "object") if len(item) == 2 else ("subject", "predicate", "object"), item))  # noqa: B905
        if not isinstance(item, dict):
            notes["bad_row"] += 1
            continue
        item = {aliases.get(key, key): value for key, value in item.items()}
        predicate = label or _get(item, _PREDICATE)
        main = item.get("object")
        if isinstance(main, dict):  # {"object": {"@value": ..., "inWork": ...}}, as DuIE writes it
            item = {**item, **main, "object": main.get("@value")}
        subject, target = _get(item, _SUBJECT), _get(item, _OBJECT)
        if predicate is None or subject is None or target is None:
            notes["bad_row"] += 1
        elif is_none_word(subject) or is_none_word(target):
            notes["none"] += 1
        else:
            told = {slot: item[slot] for slot in slots if isinstance(item.get(slot), str)}
            given = {slot: text for slot, text in told.items() if not is_none_word(text)}
            found.append(FoundRelation(predicate, subject, target, given))
    return found


def event_items(reply: str, label: str | None, notes: Counter[str]) -> list[FoundEvent]:
    """Return the events of a JSON reply; arguments may be a list, or an object of roles with one text or several."""
    found = []
    for item in _items(reply, "events", notes):
        kind = label or (_get(item, _TYPE) if isinstance(item, dict) else None)
        if not isinstance(item, dict) or kind is None:
            notes["bad_row"] += 1
            continue
        trigger = _get(item, _TRIGGER)
        arguments = []
        for role, text in _arguments(item.get("arguments", item.get("论元", [])), notes):
            if is_none_word(text):
                notes["none"] += 1
            else:
                arguments.append((role, text))
        found.append(FoundEvent(kind, tuple(arguments), None if trigger is None or is_none_word(trigger) else trigger))
    return found


def _arguments(value: Any, notes: Counter[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        value = [{"role": role, "text": text} for role, text in value.items()]
    for item in value if isinstance(value, list) else []:
        if isinstance(item, list) and len(item) == 2:
            item = {"role": item[0], "text": item[1]}
        role = _get(item, _ROLE) if isinstance(item, dict) else None
        texts = next((item[key] for key in _TEXT if key in item), None) if isinstance(item, dict) else None
        texts = [texts] if isinstance(texts, str) else texts
        if role is None or not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            notes["none" if role is not None and texts is None else "bad_row"] += 1
            continue
        yield from ((role, text) for text in texts)


def _items(reply: str, key: str, notes: Counter[str]) -> list[Any]:
    """Return the list that a reply holds: under the key asked for, under any other, or bare; one object is a list."""
    if is_none(reply):
        notes["none"] += 1
        return []
    values = json_values(reply, notes)
    if not values:
        notes["unreadable"] += 1
        return []
    found: list[Any] = []
    for value in values:
        if isinstance(value, dict) and isinstance(value.get(key), list):
            found += value[key]
        elif isinstance(value, dict):
            lists = [item for item in value.values() if isinstance(item, list)]
            known = {*_TEXT, *_SUBJECT, *_TYPE, *_TRIGGER, "arguments"}
            if len(lists) == 1 and not known & set(value):
                found += lists[0]
            elif any(item not in (None, "", [], {}) for item in value.values()):
                found.append(value)
        elif isinstance(value, list) and len(values) > 1 and all(isinstance(item, str) for item in value):
            found.append(value)  # one pair a line
        elif isinstance(value, list):
            found += value
    return found


def _get(item: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    for key in keys:
        value = item.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return None
