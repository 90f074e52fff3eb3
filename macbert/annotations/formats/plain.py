"""Simple JSON forms in which many sets are passed around; they are read, not written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.conll import words_example
from macbert.annotations.formats.occurrences import nearest_pair
from macbert.annotations.formats.records import bad_span, json_records, missing_keys
from macbert.annotations.formats.squad import answers_example
from macbert.annotations.schema import Argument, Entity, Event, Example, Relation, Trigger

NAMES = {"nr": "人物", "ns": "地点", "nt": "机构"}
"""Tags of the PKU scheme that are names."""


def read_tags(path: Path) -> Iterator[Example | Problem]:
    """Read ``{tokens, tags}`` (joined by spaces) and ``{words, pos}`` (joined by nothing; nr, ns, nt are names)."""
    for value, where in _records(path, ()):
        if isinstance(value, Problem):
            yield value
        elif "tokens" in value:
            yield from words_example(value["tokens"], value["tags"], [where] * len(value["tags"]), " ")
        elif "words" in value:
            words = value["words"]
            tags = [f"S-{NAMES[tag]}" if tag in NAMES else "O" for tag in value.get("pos") or ["O"] * len(words)]
            yield from words_example(words, tags, [where] * len(words), "")
        else:
            yield Problem(where, "'tokens' and 'tags', or 'words'", "neither", "give a file of that form")


def read_triples(path: Path) -> Iterator[Example | Problem]:
    """Read ``{text, head, tail, label}``: one relation a text, at the occurrences nearest to each other.

    The label ``unknown`` (or ``NA``) says that there is none.
    """
    for value, where in _records(path, ("text", "head", "tail", "label")):
        if isinstance(value, Problem):
            yield value
            continue
        text, head, tail = value["text"], value["head"], value["tail"]
        pair = nearest_pair(text, head, tail)
        if pair is None:
            yield Problem(where, "head and tail that stand in the text", f"'{head[:20]}', '{tail[:20]}'", "mend it")
            continue
        entities = (Entity(pair[0], pair[0] + len(head), "实体"), Entity(pair[1], pair[1] + len(tail), "实体"))
        none = value["label"] in ("unknown", "Unknown", "NA")
        relations = () if none else (Relation(0, value["label"], 1),)
        yield Example(text, entities=entities, relations=relations, where=where)


def read_documents(path: Path) -> Iterator[Example | Problem]:
    """Read ``{id, text, entities: [[start, end, type]], ent_ids, relations: [[type, id, id]]}``."""
    for value, where in _records(path, ("text", "entities", "ent_ids", "relations")):
        if isinstance(value, Problem):
            yield value
            continue
        entities: list[Entity] = []
        places: dict[str, int] = {}
        for name, (start, end, kind) in zip(value["ent_ids"], value["entities"], strict=True):
            if problem := bad_span(value["text"], start, end, None, where, name):
                yield problem
            else:
                places[name] = len(entities)
                entities.append(Entity(start, end, kind))
        relations = []
        for kind, first, second in value["relations"]:
            if first in places and second in places:
                relations.append(Relation(places[first], kind, places[second]))
            else:
                yield Problem(where, "a relation between entities here", f"{kind} {first} {second}", "mend the source")
        yield Example(
            value["text"], id=str(value["id"]), entities=tuple(entities), relations=tuple(relations), where=where
        )


def read_events(path: Path) -> Iterator[Example | Problem]:
    """Read ``{text, events: [{type, trigger: [start, end, type], arguments: [[start, end, role]]}]}`` (CEC).

    An event's type is its trigger's; events without a trigger, and spans outside the text, are problems.
    """
    for value, where in _records(path, ("text", "events")):
        if isinstance(value, Problem):
            yield value
            continue
        events = []
        for number, item in enumerate(value["events"]):
            trigger = item.get("trigger")
            if not trigger or not (trigger[2] or item.get("type")):
                yield Problem(where, f"events[{number}] with a trigger and a type", "none", "the event was left out")
                continue
            if problem := bad_span(value["text"], trigger[0], trigger[1], None, where, f"events[{number}]'s trigger"):
                yield problem
                continue
            arguments: list[Argument] = []
            for start, end, role in item["arguments"]:
                if problem := bad_span(value["text"], start, end, None, where, f"events[{number}]'s {role}"):
                    yield problem
                else:
                    arguments.append(Argument(role, start, end))
            events.append(Event(trigger[2] or item["type"], Trigger(trigger[0], trigger[1]), tuple(arguments)))
        yield Example(value["text"], id=str(value.get("id", "")) or None, events=tuple(events), where=where)


def read_reading(path: Path) -> Iterator[Example | Problem]:
    """Read ``{id, context, question, answers: [{text, start}]}``, and C3's multiple choice as one pair a choice."""
    for value, where in _records(path, ("id",)):
        if isinstance(value, Problem):
            yield value
        elif "context" in value:
            given = [(answer["text"], answer["start"]) for answer in value["answers"]]
            extra = {"title": value["title"]} if value.get("title") else {}
            yield from answers_example(value["context"], value["question"], given, str(value["id"]), where, extra)
        else:
            text = "\n".join(value["dialog_or_doc"])
            for item in value["questions"]:
                for choice in item["choice"]:
                    label = "right" if choice == item["answer"] else "wrong"
                    pair = f"{item['question']}{choice}"
                    yield Example(text, id=str(value["id"]), text_pair=pair, label=label, where=where)


def read_fewclue(path: Path) -> Iterator[Example | Problem]:
    """Read FewCLUE's sets: one sentence, two sentences, keywords of an abstract, pronouns, idioms (a pair a choice)."""
    for value, where in _records(path, ()):
        if isinstance(value, Problem):
            yield value
            continue
        label = None if value.get("label") is None else str(value["label"])
        if "sentence1" in value:
            text, pair = value["sentence1"], value["sentence2"]
        elif "abst" in value:
            text, pair = value["abst"], "、".join(value["keyword"])
        elif "target" in value:
            text, pair = value["text"], f"{value['target']['span2_text']}指{value['target']['span1_text']}"
        elif "candidates" in value:
            for number, choice in enumerate(value["candidates"]):
                right = None if "answer" not in value else "right" if number == value["answer"] else "wrong"
                yield Example(value["content"], id=str(value["id"]), text_pair=choice, label=right, where=where)
            continue
        elif "sentence" in value:
            text, pair = value["sentence"], None
        else:
            yield Problem(where, "a record of a FewCLUE set", ", ".join(value), "give a file of that form")
            continue
        if not text:
            yield Problem(where, "a text with characters", "an empty string", "mend the source")
            continue
        yield Example(text, id=str(value.get("id", "")) or None, text_pair=pair, label=label, where=where)


def _records(path: Path, keys: tuple[str, ...]) -> Iterator[tuple[Any, str]]:
    for record in json_records(path):
        if isinstance(record, Problem):
            yield record, ""
            continue
        value, where = record
        yield missing_keys(value, where, *keys) or value, where
