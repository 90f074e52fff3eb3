"""Labelled texts to JSON lines, whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from corpus.files import atomic_file
from macbert.annotations.schema import Argument, Event, Example, Relation


def example_as_json(example: Example, *, surfaces: bool = False) -> dict[str, Any]:
    """Return the JSON object of a labelled text; keys that it has nothing for are left out.

    Args:
        example: what to write.
        surfaces: add the characters of every span as ``text``, for people to read; the reader checks them.

    >>> from macbert.annotations.schema import Entity
    >>> example_as_json(Example("在北京", entities=(Entity(1, 3, "地点"),)))
    {'text': '在北京', 'entities': [{'start': 1, 'end': 3, 'type': '地点'}]}
    """

    def span(item: Any) -> dict[str, Any]:
        found = {"start": item.start, "end": item.end}
        return {**found, "text": example.slice(item)} if surfaces else found

    value: dict[str, Any] = {} if example.id is None else {"id": example.id}
    if example.target is not None:
        value |= {"source": example.text, "target": example.target}
    else:
        value["text"] = example.text
    for key in ("text_pair", "question", "label"):
        if (item := getattr(example, key)) is not None:
            value[key] = item
    if example.labels is not None:
        value["label"] = list(example.labels)
    if example.entities is not None:
        value["entities"] = [{**span(e), "type": e.type, **_score(e)} for e in example.entities]
    if example.relations is not None:
        value["relations"] = [_relation(relation) for relation in example.relations]
    if example.events is not None:
        value["events"] = [_event(event, span) for event in example.events]
    if example.answers is not None:
        value["answers"] = [{**span(answer), **_score(answer)} for answer in example.answers]
    return {**value, **_score(example), **example.extra}


def write_examples(path: str | Path, examples: Iterable[Example], *, surfaces: bool = False) -> int:
    """Write labelled texts, one a line, compressed if the name ends in ``.gz`` or ``.zst``; return how many."""
    count = 0
    with atomic_file(path, "wb") as raw, _compressor(raw, Path(path).suffix) as stream:
        for example in examples:
            line = json.dumps(example_as_json(example, surfaces=surfaces), ensure_ascii=False)
            stream.write(line.encode("utf-8") + b"\n")
            count += 1
    return count


def _compressor(raw: Any, suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="")
    if suffix == ".zst":
        import zstandard

        return zstandard.ZstdCompressor().stream_writer(raw, closefd=False)
    return contextlib.nullcontext(raw)


def _relation(relation: Relation) -> dict[str, Any]:
    slots = {"slots": dict(relation.slots)} if relation.slots else {}
    found = {"subject": relation.subject, "predicate": relation.predicate, "object": relation.object}
    return {**found, **slots, **_score(relation)}


def _event(event: Event, span: Any) -> dict[str, Any]:
    def argument(item: Argument) -> dict[str, Any]:
        aliases = {"aliases": list(item.aliases)} if item.aliases else {}
        return {"role": item.role, **span(item), **aliases, **_score(item)}

    trigger = {"trigger": span(event.trigger)} if event.trigger is not None else {}
    return {"type": event.type, **trigger, "arguments": [argument(a) for a in event.arguments], **_score(event)}


def _score(item: Any) -> dict[str, float]:
    return {} if item.score is None else {"score": round(item.score, 6)}
