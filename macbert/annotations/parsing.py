"""One JSON object to an :class:`Example`, with every mistake in it named."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from corpus.errors import Problem
from macbert.annotations.json_values import is_int, kind_of, short
from macbert.annotations.schema import Answer, Argument, Entity, Event, Example, Relation, Trigger

KNOWN_KEYS = (
    "id",
    "text",
    "text_a",
    "text_b",
    "text_pair",
    "context",
    "label",
    "entities",
    "relations",
    "events",
    "question",
    "answers",
    "source",
    "target",
    "score",
)

_SURROGATE = re.compile("[\ud800-\udfff]")
Parsed = TypeVar("Parsed")


def parse_example(value: Any, where: str) -> tuple[Example | None, list[Problem]]:
    """Return the example that a JSON value holds, or None, and everything that is wrong with it.

    Top-level keys that no task reads are kept in ``extra``, unless one looks like a mistyped known key. Entities may be
    objects or the compact ``[start, end, type]``; a given surface (``text``) must equal its slice.

    >>> parse_example({"text": "李雷在北京", "entities": [[3, 5, "地点"]]}, "a.jsonl:1")[0].entities
    (Entity(start=3, end=5, type='地点', score=None),)
    """
    parser = _Parser(where)
    example = parser.example(value)
    return (None if parser.problems else example), parser.problems


class _Parser:
    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []
        self.text = ""

    def wrong(self, expected: str, found: str, fix: str = "mend the line") -> None:
        self.problems.append(Problem(self.where, expected, found, fix))

    def example(self, value: Any) -> Example | None:
        if not isinstance(value, dict):
            self.wrong("a JSON object", kind_of(value), "write one object a line")
            return None
        self._unknown_keys(value)
        text = self._text(value)
        if text is None:
            return None
        self.text = text
        label, labels = self._label(value.get("label"))
        entities = self._many(value, "entities", self._entity)
        return Example(
            text=text,
            id=self._identifier(value.get("id")),
            text_pair=self._optional_text(value, "text_pair" if "text_pair" in value else "text_b"),
            label=label,
            labels=labels,
            entities=entities,
            relations=self._many(value, "relations", lambda item, name: self._relation(item, name, entities)),
            events=self._many(value, "events", self._event),
            question=self._optional_text(value, "question"),
            answers=self._many(value, "answers", self._answer),
            target=self._target(value),
            score=self._score(value, "score"),
            extra={key: item for key, item in value.items() if key not in KNOWN_KEYS},
            where=self.where,
        )

    def _unknown_keys(self, value: Mapping[str, Any]) -> None:
        for key in value:
            near = _likely_known(key)
            if near is not None and near not in value:
                self.wrong("a known key", f"'{key}'", f"did you mean '{near}'?")

    def _text(self, value: Mapping[str, Any]) -> str | None:
        names = [name for name in ("text", "text_a", "context", "source") if name in value]
        if not names or (len(names) > 1 and "text" in names and names != ["text", "source"]):
            found = f"keys {', '.join(map(str, value))}" if not names else f"both {' and '.join(names)}"
            self.wrong("one of 'text', 'text_a', 'context', 'source'", found or "no keys", "name the text's key 'text'")
            return None
        text = value[names[0]]
        if not isinstance(text, str) or not text:
            found = "an empty string" if text == "" else kind_of(text)
            self.wrong(f"a string '{names[0]}' with characters", found, "give the text, or delete the line")
            return None
        self._well_formed(text, names[0])
        return text

    def _well_formed(self, text: str, name: str) -> None:
        if found := _SURROGATE.search(text):
            code = f"U+{ord(found.group()):04X} at character {found.start()}"
            self.wrong(f"well-formed Unicode in '{name}'", f"a lone surrogate ({code})", "replace that character")

    def _optional_text(self, value: Mapping[str, Any], name: str) -> str | None:
        text = value.get(name)
        if text is None:
            return None
        if not isinstance(text, str):
            self.wrong(f"a string '{name}'", kind_of(text))
            return None
        self._well_formed(text, name)
        return text

    def _identifier(self, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        self.wrong("a string or number 'id'", kind_of(value))
        return None

    def _label(self, value: Any) -> tuple[str | None, tuple[str, ...] | None]:
        if value is None:
            return None, None
        if isinstance(value, list):
            labels = [label for item in value if (label := self._label(item)[0]) is not None]
            if len(set(labels)) < len(labels):
                self.wrong("each label once", "a repeated label")
            return None, tuple(labels)
        if isinstance(value, str) and value:
            return value, None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value), None
        self.wrong("a string, number or list 'label'", "an empty string" if value == "" else kind_of(value))
        return None, None

    def _many(
        self, value: Mapping[str, Any], name: str, parse: Callable[[Any, str], Parsed | None]
    ) -> tuple[Parsed, ...] | None:
        items = value.get(name)
        if items is None:
            return None
        if not isinstance(items, list):
            self.wrong(f"a list '{name}'", kind_of(items))
            return None
        parsed = [parse(item, f"{name}[{number}]") for number, item in enumerate(items)]
        return tuple(item for item in parsed if item is not None)

    def _entity(self, item: Any, name: str) -> Entity | None:
        if isinstance(item, list):
            if len(item) != 3:
                self.wrong(f"{name} as [start, end, type]", f"a list of {len(item)}")
                return None
            item = {"start": item[0], "end": item[1], "type": item[2]}
        if not self._object(item, name, {"start", "end", "type"}, {"text", "score"}):
            return None
        span = self._span(item, name)
        label = self._string(item, name, "type")
        if span is None or label is None:
            return None
        return Entity(*span, label, self._score(item, name))

    def _relation(self, item: Any, name: str, entities: tuple[Entity, ...] | None) -> Relation | None:
        if not self._object(item, name, {"subject", "predicate", "object"}, {"slots", "score"}):
            return None
        slots = item.get("slots", {})
        if not isinstance(slots, dict):
            self.wrong(f"{name}.slots as an object of entity numbers", kind_of(slots))
            return None
        count = len(entities or ())
        given = {"subject": item["subject"], "object": item["object"], **{f"slots.{k}": v for k, v in slots.items()}}
        sound = True
        for part, number in given.items():
            if not is_int(number) or not 0 <= number < count:
                self.wrong(f"{name}.{part} as the number of an entity, below {count}", short(number))
                sound = False
        predicate = self._string(item, name, "predicate")
        if not sound or predicate is None:
            return None
        return Relation(item["subject"], predicate, item["object"], dict(slots), self._score(item, name))

    def _event(self, item: Any, name: str) -> Event | None:
        if not self._object(item, name, {"type"}, {"trigger", "arguments", "score"}):
            return None
        trigger = None
        if item.get("trigger") is not None and self._object(
            item["trigger"], f"{name}.trigger", {"start", "end"}, {"text"}
        ):
            span = self._span(item["trigger"], f"{name}.trigger")
            trigger = Trigger(*span) if span else None
        inner = {"arguments": item.get("arguments", [])}
        arguments = self._many(inner, "arguments", lambda part, part_name: self._argument(part, f"{name}.{part_name}"))
        label = self._string(item, name, "type")
        return None if label is None else Event(label, trigger, arguments or (), self._score(item, name))

    def _argument(self, item: Any, name: str) -> Argument | None:
        if not self._object(item, name, {"role", "start", "end"}, {"text", "aliases", "score"}):
            return None
        span, role = self._span(item, name), self._string(item, name, "role")
        aliases = item.get("aliases", [])
        if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
            self.wrong(f"{name}.aliases as a list of strings", kind_of(aliases))
            return None
        return None if span is None or role is None else Argument(role, *span, tuple(aliases), self._score(item, name))

    def _answer(self, item: Any, name: str) -> Answer | None:
        if (
            isinstance(item, dict)
            and "end" not in item
            and isinstance(item.get("text"), str)
            and is_int(item.get("start"))
        ):
            item = {**item, "end": item["start"] + len(item["text"])}
        if not self._object(item, name, {"start", "end"}, {"text", "score"}):
            return None
        span = self._span(item, name)
        return None if span is None else Answer(*span, self._score(item, name))

    def _target(self, value: Mapping[str, Any]) -> str | None:
        target = self._optional_text(value, "target")
        if target is not None and len(target) != len(self.text):
            found = f"{len(target)} for {len(self.text)}"
            self.wrong("a 'target' with as many characters as the source", found, "only equal lengths can be corrected")
        return target

    def _object(self, item: Any, name: str, needed: set[str], optional: set[str]) -> bool:
        if not isinstance(item, dict):
            self.wrong(f"{name} as an object", kind_of(item))
            return False
        missing = needed - set(item)
        for key in sorted(set(item) - needed - optional):
            near = difflib.get_close_matches(key, sorted(missing | optional), n=1, cutoff=0.6)
            fix = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(needed | optional))}"
            self.wrong(f"a known key in {name}", f"'{key}'", fix)
        if missing:
            self.wrong(f"{name} with {', '.join(sorted(needed))}", f"no {', '.join(sorted(missing))}")
        return not missing

    def _string(self, item: Mapping[str, Any], name: str, key: str) -> str | None:
        value = item[key]
        if isinstance(value, str) and value:
            return value
        self.wrong(f"a string {name}.{key}", "an empty string" if value == "" else kind_of(value))
        return None

    def _score(self, item: Mapping[str, Any], name: str) -> float | None:
        value = item.get("score")
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        self.wrong(f"a number as the score of {name}", kind_of(value))
        return None

    def _span(self, item: Mapping[str, Any], name: str) -> tuple[int, int] | None:
        start, end = item["start"], item["end"]
        if not is_int(start) or not is_int(end):
            self.wrong(f"whole numbers as start and end of {name}", f"{short(start)} and {short(end)}")
            return None
        if start == end:
            self.wrong(f"at least one character in {name}", f"the empty span [{start}, {end})", "ends are exclusive")
            return None
        if not 0 <= start < end <= len(self.text):
            found = f"[{start}, {end})"
            self.wrong(f"{name} inside the text of {len(self.text)} characters", found, "mend the span")
            return None
        surface = item.get("text")
        if surface is not None and surface != self.text[start:end]:
            found = f"'{short(self.text[start:end])}'"
            fix = "spans count characters from 0 and end one past the last"
            self.wrong(f"{name} to be '{short(surface)}' at [{start}, {end})", found, fix)
            return None
        return start, end


@functools.cache
def _likely_known(key: str) -> str | None:
    """Return the known key that an unknown one is probably a slip for."""
    near = difflib.get_close_matches(key, KNOWN_KEYS, n=1, cutoff=0.8)
    return near[0] if near and key not in KNOWN_KEYS else None
