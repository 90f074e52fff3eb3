"""The questions of each task and stage, their answers' JSON schemas, and how an answer becomes items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from macbert.chatie.answers.items import FoundEvent, FoundName, FoundRelation, event_items, name_items, relation_items
from macbert.chatie.answers.plain import is_none
from macbert.chatie.answers.tables import read_rows
from macbert.chatie.prompts import fill, load_prompts
from macbert.chatie.schema import Label, Schema

Found = FoundName | FoundRelation | FoundEvent
JsonSchema = dict[str, Any]


class Questions:
    """What is asked for a schema in a language and style.

    >>> questions = Questions(Schema("ner", (Label("人物"), Label("地点")), ""), "zh", "json", triggers=False)
    >>> questions.types("李雷在北京。").splitlines()[2]
    '实体类型：人物、地点'
    """

    def __init__(self, schema: Schema, language: str, style: str, *, triggers: bool) -> None:
        self.schema, self.style, self.triggers = schema, style, triggers
        self.prompts = load_prompts(language)
        self.system: str = self.prompts["system"]
        self._texts: dict[str, str] = self.prompts[schema.task][style]
        self._joint = "、" if language == "zh" else ", "
        self._brackets = "（{}）" if language == "zh" else " ({})"
        self._headers: dict[str, str] = self.prompts["headers"]

    def types(self, text: str) -> str:
        """Return the question of the first stage."""
        return fill(self._texts["types"], text=text, types=self._types())

    def single(self, text: str) -> str:
        """Return the question that asks for everything."""
        slots = {slot: kind for label in self.schema.labels for slot, kind in label.slots.items()}
        headers = self._headers
        columns = " | ".join(["", headers["subject"], headers["relation"], headers["object"], *slots, ""]).strip()
        values = {"text": text, "types": self._types(with_roles=True), "columns": columns}
        return fill(self._texts["single"], **values, **self._parts(slots, single=True))

    def fill(self, name: str, text: str | None) -> str:
        """Return the question of the second stage for one label; ``text`` where no earlier turn holds it."""
        label = self.schema[name]
        headers = self._headers
        values = {
            "type": name,
            "subject": label.subject or headers["subject"],
            "object": label.object or headers["object"],
            "roles": self._joint.join(self._roles(label)),
        }
        question = fill(self._texts["fill"], **values, **self._parts(label.slots, single=False))
        return question if text is None else fill(self.prompts["context"], text=text) + question

    def slot(self, item: FoundRelation, slot: str) -> str:
        """Return the further question about one part of a complex object (paper style)."""
        kind = self.schema[item.predicate].slots[slot]
        values = {"subject": item.subject, "object": item.object, "type": item.predicate}
        return fill(self._texts["slot"], **values, slot=self._described(slot, kind))

    def types_schema(self) -> JsonSchema | None:
        """Return the JSON schema of the first stage's answer; None in paper style."""
        return self._held({"types": _array({"type": "string", "enum": self.schema.names})})

    def fill_schema(self, name: str | None) -> JsonSchema | None:
        """Return the JSON schema of the second stage's answer for a label, or of the single question's without one."""
        string, names = {"type": "string"}, {"type": "string", "enum": self.schema.names}
        task = self.schema.task
        if task == "ner":
            item: JsonSchema = string if name else _object({"text": string, "type": names})
            return self._held({"entities": _array(item)})
        labels = [self.schema[name]] if name else list(self.schema.labels)
        if task == "relation":
            slots = dict.fromkeys(slot for label in labels for slot in label.slots)
            parts: dict[str, JsonSchema] = {} if name else {"predicate": names}
            parts |= {"subject": string, "object": string}
            return self._held({"relations": _array(_object(parts | {s: {"type": ["string", "null"]} for s in slots}))})
        roles = list(dict.fromkeys(role for label in labels for role in label.roles))
        role: JsonSchema = {"type": "string", "enum": roles} if roles else string
        parts = {} if name else {"type": names}
        if self.triggers:
            parts["trigger"] = {"type": ["string", "null"]}
        argument = _object({"role": role, "text": string})
        return self._held({"events": _array(_object(parts | {"arguments": _array(argument)}))})

    def items(self, reply: str, name: str | None, notes: Counter[str]) -> list[Found]:
        """Return what a second-stage (or single) answer tells."""
        readers: dict[tuple[str, str], Callable[..., list[Any]]] = {
            ("ner", "json"): lambda: name_items(reply, name, notes),
            ("relation", "json"): lambda: self._relations(reply, name, notes),
            ("event", "json"): lambda: event_items(reply, name, notes),
            ("ner", "paper"): lambda: self._name_rows(reply, name, notes),
            ("relation", "paper"): lambda: self._relation_rows(reply, name, notes),
            ("event", "paper"): lambda: self._event_rows(reply, name, notes),
        }
        return readers[self.schema.task, self.style]()

    def _relations(self, reply: str, name: str | None, notes: Counter[str]) -> list[Any]:
        labels = [self.schema[name]] if name else list(self.schema.labels)
        slots = list(dict.fromkeys(slot for label in labels for slot in label.slots))
        other = {}
        if name and labels[0].subject != labels[0].object:
            other = {labels[0].subject: "subject", labels[0].object: "object"}
        return relation_items(reply, name, slots, notes, other)

    def _name_rows(self, reply: str, name: str | None, notes: Counter[str]) -> list[FoundName]:
        rows, _ = read_rows(reply, ["实体", "类型", "entity", "type", "name"], notes)
        found = []
        for row in rows:
            if len(row) == 1 and name:
                row = [row[0], name]
            elif name and len(row) > 1 and name not in row:
                # ["李雷", "韩梅梅"] asked for one type: a list of names.
                found += [FoundName(name, cell) for cell in row if not is_none(cell)]
                continue
            if len(row) != 2:
                notes["bad_row"] += 1
            elif is_none(row[0]):
                notes["none"] += 1
            else:
                found.append(FoundName(name or row[1], row[0]))
        return found

    def _relation_rows(self, reply: str, name: str | None, notes: Counter[str]) -> list[FoundRelation]:
        labels = [self.schema[name]] if name else list(self.schema.labels)
        head = self._headers
        slots = list(dict.fromkeys(slot for label in labels for slot in label.slots))
        kinds = [kind for label in labels for kind in (label.subject, label.object)]
        names = [head["subject"], head["relation"], head["object"], "关系类型", "关系名", *kinds, *slots]
        rows, header = read_rows(reply, names, notes)
        columns = slots if header is None or len(header) < 3 else header[3:]
        found = []
        for row in rows:
            if name:
                row = [cell for cell in row if cell != name] if len(row) == 3 else row
                row = [row[0], name, row[1]] if len(row) == 2 else row
            if len(row) < 3 or (name is not None and len(row) > 3):
                notes["bad_row"] += 1
            elif is_none(row[0]) or is_none(row[2]):
                notes["none"] += 1
            else:
                given = {slot: cell for slot, cell in zip(columns, row[3:], strict=False) if not is_none(cell)}
                found.append(FoundRelation(name or row[1], row[0], row[2], given))
        return found

    def _event_rows(self, reply: str, name: str | None, notes: Counter[str]) -> list[FoundEvent]:
        head = self._headers
        rows, _ = read_rows(reply, [head["event"], head["role"], head["content"], "角色", "论元", "内容"], notes)
        arguments: dict[str, list[tuple[str, str]]] = {name: []} if name else {}
        triggers: dict[str, str] = {}
        for row in rows:
            if len(row) == 2 and name:
                row = [name, *row]
            if len(row) != 3:
                notes["bad_row"] += 1
                continue
            kind = name or row[0]
            if is_none(row[2]):
                notes["none"] += 1
                if not name:
                    arguments.setdefault(kind, [])
            elif row[1] == head["trigger"]:
                triggers.setdefault(kind, row[2])
                arguments.setdefault(kind, [])
            else:
                arguments.setdefault(kind, []).append((row[1], row[2]))
        return [FoundEvent(kind, tuple(given), triggers.get(kind)) for kind, given in arguments.items()]

    def _parts(self, slots: Any, *, single: bool) -> dict[str, str]:
        """Return what stands for ``$slots``, ``$fields`` and ``$trigger``."""
        shown = self._joint.join(self._described(slot, kind) for slot, kind in slots.items())
        told = fill(self._texts["slots"], slots=shown) if slots and "slots" in self._texts else ""
        names = (["predicate"] if single else []) + ["subject", "object", *slots]
        fields = ", ".join(f'"{name}": "..."' for name in names)
        return {"slots": told, "fields": fields, "trigger": self._texts.get("trigger", "") if self.triggers else ""}

    def _types(self, *, with_roles: bool = False) -> str:
        shown = []
        for label in self.schema.labels:
            text = self._described(label.name, label.description)
            if with_roles and label.roles:
                text += self._brackets.format(self._joint.join(self._roles(label)))
            shown.append(text)
        return self._joint.join(shown)

    def _roles(self, label: Label) -> tuple[str, ...]:
        """Return the roles asked for; in a table the trigger is a row like them."""
        has_row = self.triggers and self.style == "paper" and self.schema.task == "event"
        return (*label.roles, self._headers["trigger"]) if has_row else label.roles

    def _described(self, name: str, description: str) -> str:
        meaning = description or self.prompts["descriptions"].get(name, "")
        return name + self._brackets.format(meaning) if meaning and meaning != name else name

    def _held(self, properties: dict[str, JsonSchema]) -> JsonSchema | None:
        return _object(properties) if self.style == "json" else None


def _object(properties: dict[str, JsonSchema]) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _array(items: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": items}
