"""DuEE 1.0: events with the start of every trigger and argument."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.records import bad_span, identifier, reads_records, write_json_lines
from macbert.annotations.schema import Argument, Event, Example, Trigger


@reads_records("text")
def read_duee(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``{id, text, event_list: [{event_type, trigger, trigger_start_index, arguments: [...]}]}``.

    Ends are start + length. A trigger or argument that does not stand where it says is a problem and is left out.
    """
    text, events = value["text"], []
    for number, item in enumerate(value.get("event_list") or ()):
        arguments: list[Argument] = []
        name = f"event_list[{number}]"
        trigger = None
        if "trigger" in item:
            surface, start = item["trigger"], item.get("trigger_start_index")
            if problem := bad_span(text, start, _end(start, surface), surface, where, f"{name}'s trigger"):
                yield problem
            else:
                trigger = Trigger(start, start + len(surface))
        for argument in item.get("arguments") or ():
            surface, start = argument["argument"], argument.get("argument_start_index")
            what = f"{name}'s {argument['role']}"
            if problem := bad_span(text, start, _end(start, surface), surface, where, what):
                yield problem
                continue
            aliases = tuple(argument.get("alias") or ())
            arguments.append(Argument(argument["role"], start, start + len(surface), aliases))
        events.append(Event(item["event_type"], trigger, tuple(arguments)))
    yield Example(text, id=identifier(value), events=tuple(events) if "event_list" in value else None, where=where)


def write_duee(path: Path, examples: list[Example]) -> None:
    """Write DuEE's JSON lines; ``class`` is the event type up to its first hyphen, as in DuEE's schema."""
    write_json_lines(path, (_duee(example) for example in examples))


def _duee(example: Example) -> dict[str, Any]:
    events = []
    for event in example.events or ():
        item: dict[str, Any] = {"event_type": event.type}
        if event.trigger is not None:
            item |= {"trigger": example.slice(event.trigger), "trigger_start_index": event.trigger.start}
        item["arguments"] = [
            {
                "argument_start_index": argument.start,
                "role": argument.role,
                "argument": example.slice(argument),
                "alias": list(argument.aliases),
            }
            for argument in event.arguments
        ]
        events.append({**item, "class": event.type.split("-")[0]})
    value = {"text": example.text, **({} if example.id is None else {"id": example.id})}
    return value if example.events is None else {**value, "event_list": events}


def _end(start: Any, surface: str) -> Any:
    return start + len(surface) if isinstance(start, int) else start
