"""Events of news as JSON (CEC): ``{id, category, title, text, events: [{id, type, trigger, arguments}]}``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.records import bad_span, reads_records, write_json_lines
from macbert.annotations.schema import Argument, Event, Example, Trigger

KEPT = ("category", "title")


@reads_records("text", "events")
def read_events(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``trigger`` as [start, end, type] and ``arguments`` as [start, end, role].

    An event's type is its trigger's. Its own ``type``, which most lack, is kept as ``event_types``, its id as
    ``event_ids``. Events without a trigger or type, and spans outside the text, are problems.
    """
    events, ids, types = [], [], []
    for number, item in enumerate(value["events"]):
        trigger, name = item.get("trigger"), f"events[{number}]"
        if not trigger or not (trigger[2] or item.get("type")):
            yield Problem(where, f"{name} with a trigger and a type", "none", "the event was left out")
            continue
        if problem := bad_span(value["text"], trigger[0], trigger[1], None, where, f"{name}'s trigger"):
            yield problem
            continue
        arguments: list[Argument] = []
        for start, end, role in item["arguments"]:
            if problem := bad_span(value["text"], start, end, None, where, f"{name}'s {role}"):
                yield problem
            else:
                arguments.append(Argument(role, start, end))
        events.append(Event(trigger[2] or item["type"], Trigger(trigger[0], trigger[1]), tuple(arguments)))
        ids.append(item.get("id"))
        types.append(item.get("type"))
    extra = {key: value[key] for key in KEPT if key in value} | {"event_ids": ids, "event_types": types}
    own = None if value.get("id") is None else str(value["id"])
    yield Example(value["text"], id=own, events=tuple(events), extra=extra, where=where)


def write_events(path: Path, examples: list[Example]) -> None:
    """Write one document a line; events without ids of their own are called e1, e2 ..."""
    rows = []
    for example in examples:
        events = example.events or ()
        ids = example.extra.get("event_ids") or [f"e{number}" for number in range(1, len(events) + 1)]
        types = example.extra.get("event_types") or [None] * len(events)
        written = []
        for name, kind, event in zip(ids, types, events, strict=True):
            trigger = None if event.trigger is None else [event.trigger.start, event.trigger.end, event.type]
            arguments = [[a.start, a.end, a.role] for a in event.arguments]
            written.append({"id": name, "type": kind, "trigger": trigger, "arguments": arguments})
        own = {} if example.id is None else {"id": example.id}
        kept = {key: example.extra[key] for key in KEPT if key in example.extra}
        rows.append({**own, **kept, "text": example.text, "events": written})
    write_json_lines(path, rows)
