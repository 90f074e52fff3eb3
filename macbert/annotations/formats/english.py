"""Two English sets that extraction by chat is judged on: NYT (relations between surfaces) and ACE 2005 (events)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.occurrences import nearest, nearest_pair
from macbert.annotations.formats.records import json_records
from macbert.annotations.schema import Argument, Entity, Event, Example, Relation, Trigger

_NO_RELATION = ("None", "NA", "none")


def read_nyt(path: Path) -> Iterator[Example | Problem]:
    """Read NYT10/NYT11 as HRL has it (``sentext``, ``relations`` of ``em1``, ``em2``, ``rtext``) or as CoType has it
    (``sentText``, ``relationMentions`` of ``em1Text``, ``em2Text``, ``label``).

    Pairs are put to the occurrences nearest to each other; a pair that the text lacks is a problem and is left out.
    """
    for record in json_records(path):
        if isinstance(record, Problem):
            yield record
            continue
        value, where = record
        text = value.get("sentext", value.get("sentText"))
        if not isinstance(text, str) or not text.strip():
            yield Problem(where, "a 'sentext' or 'sentText'", "none", "give a file of that form")
            continue
        text = text.strip()
        kinds = {_first(e, "text"): _first(e, "label") or "?" for e in _list(value, "entities", "entityMentions")}
        entities: dict[tuple[int, int, str], int] = {}
        relations: dict[tuple[int, str, int], Relation] = {}
        for item in _list(value, "relations", "relationMentions"):
            first, second = _first(item, "em1", "em1Text"), _first(item, "em2", "em2Text")
            predicate = _first(item, "rtext", "label")
            if predicate in _NO_RELATION:
                continue
            pair = nearest_pair(text, first, second)
            if pair is None or not predicate:
                yield Problem(where, "a pair that stands in the text", f"'{first[:20]}', '{second[:20]}'", "mend it")
                continue
            spans = [(pair[0], pair[0] + len(first), kinds.get(first, "?"))]
            spans.append((pair[1], pair[1] + len(second), kinds.get(second, "?")))
            subject, target = (entities.setdefault(span, len(entities)) for span in spans)
            relations[subject, predicate, target] = Relation(subject, predicate, target)
        found = tuple(Entity(*span) for span in entities)
        yield Example(text, entities=found, relations=tuple(relations.values()), where=where)


def read_ace(path: Path) -> Iterator[Example | Problem]:
    """Read ACE 2005 as its common preprocessors write it: ``sentence`` with ``words`` and ``golden-event-mentions``, or
    with ``tokens``, ``entity_mentions`` and ``event_mentions``.

    Spans are in words; where a file has none (its Chinese form) surfaces are looked up, arguments nearest to their
    trigger. What cannot be placed is a problem and is left out.
    """
    for record in json_records(path):
        if isinstance(record, Problem):
            yield record
            continue
        value, where = record
        mentions = _list(value, "event_mentions", "golden-event-mentions")
        words = value.get("tokens", value.get("words"))
        sentence = value.get("sentence")
        if not isinstance(sentence, str) and not words:
            yield Problem(where, "a 'sentence' or 'tokens'", "neither", "give a file of that form")
            continue
        placed = _Sentence(sentence, words if isinstance(words, list) else None)
        known = {item.get("id"): item for item in _list(value, "entity_mentions")}
        events = []
        for mention in mentions:
            trigger = placed.span(mention.get("trigger") or {}, (0, 0))
            if trigger is None:
                yield Problem(where, "a trigger in the text", "none", "the event was left out")
                continue
            arguments = []
            for item in mention.get("arguments") or ():
                span = placed.span(known.get(item.get("entity_id"), item), trigger)
                if span is None:
                    yield Problem(where, f"the {item.get('role')} in the text", str(item.get("text"))[:20], "mend it")
                else:
                    arguments.append(Argument(item["role"], *span))
            events.append(Event(mention["event_type"], Trigger(*trigger), tuple(arguments)))
        identifier = value.get("sent_id")
        yield Example(
            placed.text, id=None if identifier is None else str(identifier), events=tuple(events), where=where
        )


class _Sentence:
    """A text with the places of its words."""

    def __init__(self, sentence: str | None, words: list[str] | None) -> None:
        self.starts: list[int] = []
        self.words = words or []
        joint = "" if words and sentence is not None and "".join(words) == sentence else " "
        self.text = joint.join(words) if words else sentence or ""
        position = 0
        for word in self.words:
            self.starts.append(position)
            position += len(word) + len(joint)

    def span(self, item: Mapping[str, Any], anchor: tuple[int, int]) -> tuple[int, int] | None:
        """Return the characters of ``{start, end}`` in words, or of ``{text}`` nearest to an anchor."""
        start, end = item.get("start"), item.get("end")
        if self.starts and isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(self.words):
            return self.starts[start], self.starts[end - 1] + len(self.words[end - 1])
        surface = item.get("text") or ""
        place = nearest(self.text, surface, anchor)
        return None if place is None else (place, place + len(surface))


def _list(value: Mapping[str, Any], *keys: str) -> list[dict[str, Any]]:
    found: list[Any] = next((value[key] for key in keys if isinstance(value.get(key), list)), [])
    return [item for item in found if isinstance(item, dict)]


def _first(item: Mapping[str, Any], *keys: str) -> str:
    return next((str(item[key]) for key in keys if item.get(key)), "")
