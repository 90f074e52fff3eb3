"""Answers put back into the text: every one is found there, letter by letter or nearly, or counted as made up."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from macbert.annotations import Argument, Entity, Event, Relation, Trigger
from macbert.annotations.formats.occurrences import nearest, nearest_pair, occurrences
from macbert.chatie.answers.items import FoundEvent, FoundName, FoundRelation
from macbert.chatie.schema import Schema

_QUOTES = " \t\r\n\"'“”‘’「」『』《》〈〉【】[]()（）`*。，,.;；:："
PROJECTION = "every occurrence of an answer, but those inside a longer answer"
"""The rule by which surfaces become spans; a chat model gives none."""


class Grounding:
    """One text, and what of its answers stands in it.

    >>> Grounding("他毕业于 北京 大学。", Counter()).surface("北京大学")
    '北京 大学'
    """

    def __init__(self, text: str, notes: Counter[str]) -> None:
        self.text = text
        self.notes = notes
        self._plain: str | None = None
        self._places: list[int] = []

    def surface(self, answer: str) -> str | None:
        """Return the characters of the text that an answer means, or None.

        Tried in turn: as it is; without blanks, quotes and brackets at its ends; in NFKC, lower case, and without
        blanks and 《》. None is counted as ``ungrounded``, and all are counted as ``answers``.
        """
        self.notes["answers"] += 1
        for candidate in (answer, answer.strip(), answer.strip(_QUOTES)):
            if candidate and candidate in self.text:
                return candidate
        if self._plain is None:
            self._plain, self._places = _normal(self.text)
        for candidate in (answer, answer.strip(_QUOTES)):
            wanted, _ = _normal(candidate)
            start = self._plain.find(wanted) if wanted else -1
            if start >= 0:
                self.notes["near_match"] += 1
                return self.text[self._places[start] : self._places[start + len(wanted) - 1] + 1]
        self.notes["ungrounded"] += 1
        return None

    def names(self, found: Iterable[FoundName], schema: Schema) -> tuple[Entity, ...]:
        """Return the entities, at every occurrence of each (see ``PROJECTION``)."""
        surfaces: dict[tuple[str, str], None] = {}
        known = set(schema.names)
        for item in found:
            if item.type not in known:
                self.notes["unknown_label"] += 1
            elif (surface := self.surface(item.text)) is not None:
                self.notes["duplicate"] += (surface, item.type) in surfaces
                surfaces[surface, item.type] = None
        longer: list[tuple[int, int]] = []
        entities: set[tuple[int, int, str]] = set()
        for surface, kind in sorted(surfaces, key=lambda item: -len(item[0])):
            places = [(start, start + len(surface)) for start in self._occurrences(surface)]
            free = [(a, b) for a, b in places if not any(c <= a and b <= d and (c, d) != (a, b) for c, d in longer)]
            entities |= {(start, end, kind) for start, end in free or places}
            longer += free
        return tuple(Entity(*key) for key in sorted(entities))

    def relations(
        self, found: Iterable[FoundRelation], schema: Schema
    ) -> tuple[tuple[Entity, ...], tuple[Relation, ...]]:
        """Return entities and relations; subject and object stand where they are nearest to each other."""
        entities: dict[tuple[int, int, str], int] = {}
        relations: dict[tuple[object, ...], Relation] = {}
        known = set(schema.names)

        def number(start: int, surface: str, kind: str) -> int:
            return entities.setdefault((start, start + len(surface), kind or "?"), len(entities))

        for item in found:
            if item.predicate not in known:
                self.notes["unknown_label"] += 1
                continue
            label = schema[item.predicate]
            subject, target = self.surface(item.subject), self.surface(item.object)
            if subject is None or target is None:
                continue
            pair = nearest_pair(self.text, subject, target)
            assert pair is not None
            if subject == target and pair[0] == pair[1]:
                # A name that stands once cannot stand in a relation to itself; DuIE has none such.
                self.notes["self_pair"] += 1
                continue
            slots = {}
            for slot, told in sorted(item.slots.items()):
                surface = self.surface(told)
                if surface is not None:
                    start = nearest(self.text, surface, (pair[0], pair[0] + len(subject)))
                    assert start is not None
                    slots[slot] = (start, surface)
            key = (item.predicate, subject, target, tuple((slot, text) for slot, (_, text) in slots.items()))
            if key in relations:
                self.notes["duplicate"] += 1
                continue
            first, second = number(pair[0], subject, label.subject), number(pair[1], target, label.object)
            places = {slot: number(start, text, label.slots.get(slot, "")) for slot, (start, text) in slots.items()}
            relations[key] = Relation(first, item.predicate, second, places)
        return tuple(Entity(*key) for key in entities), tuple(relations.values())

    def events(self, found: Iterable[FoundEvent], schema: Schema) -> tuple[Event, ...]:
        """Return the events; arguments stand nearest to the trigger, or first, where there is none."""
        events: dict[Event, None] = {}
        known = set(schema.names)
        for item in found:
            if item.type not in known:
                self.notes["unknown_label"] += 1
                continue
            trigger = None
            if item.trigger is not None and (surface := self.surface(item.trigger)) is not None:
                trigger = Trigger(self.text.index(surface), self.text.index(surface) + len(surface))
            arguments: dict[Argument, None] = {}
            for role, told in item.arguments:
                if role not in schema[item.type].roles:
                    self.notes["unknown_role"] += 1
                elif (surface := self.surface(told)) is not None:
                    anchor = (trigger.start, trigger.end) if trigger else (0, 0)
                    start = nearest(self.text, surface, anchor)
                    assert start is not None
                    argument = Argument(role, start, start + len(surface))
                    self.notes["duplicate"] += argument in arguments
                    arguments[argument] = None
            event = Event(item.type, trigger, tuple(arguments))
            self.notes["duplicate"] += event in events
            events[event] = None
        return tuple(events)

    def _occurrences(self, surface: str) -> Sequence[int]:
        places = occurrences(self.text, surface)
        # "US" is not said by "RUSSIA": Latin words are taken whole where the text has them whole.
        whole = [
            start
            for start in places
            if not (_is_latin(self.text[start - 1 : start]) and _is_latin(surface[0]))
            and not (_is_latin(self.text[start + len(surface) :][:1]) and _is_latin(surface[-1]))
        ]
        return whole or places


def _is_latin(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


def _normal(text: str) -> tuple[str, list[int]]:
    """Return NFKC in lower case without blanks and 《》, and the place in ``text`` of each of its characters."""
    plain: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        for part in unicodedata.normalize("NFKC", sign).lower():
            if not part.isspace() and part not in "《》":
                plain.append(part)
                places.append(place)
    return "".join(plain), places
