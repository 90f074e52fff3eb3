"""A chat server that speaks the OpenAI protocol over real HTTP and answers from gold, badly where it is told to.

It understands a question by turning the prompt files round: what stands between their fixed words is what was asked.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from macbert.annotations import Argument, Entity, Event, Example, Relation
from macbert.chatie.prompts import load_prompts

NAMES = {"types": "stage one", "fill": "stage two", "single": "single", "slot": "slot"}


@dataclass
class Question:
    """What was asked, understood."""

    task: str
    style: str
    kind: str
    """types, fill, single or slot."""
    example: Example
    values: dict[str, str]
    headers: dict[str, str]
    none: str


@dataclass
class Mishap:
    """An answer of the wire instead of the model's."""

    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    """Close the connection in the middle of the answer."""


class OracleServer:
    """Answers from gold.

    Args:
        examples: the gold; texts that stand several times are merged, since the same question has one answer.
        dress: what is done to a rendered answer before it is sent.
        mishap: called with (number of the request, times this question came, headers); a mishap is sent in place.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        dress: Callable[[str, Question], str] = lambda answer, question: answer,
        mishap: Callable[[int, int, dict[str, str]], Mishap | None] = lambda number, times, headers: None,
    ) -> None:
        self.gold = {example.text: example for example in merge(examples)}
        self.dress, self.mishap = dress, mishap
        self.asked: Counter[str] = Counter()
        """Times each question was answered with a model's words."""
        self.requests: list[dict[str, Any]] = []
        self.seen: Counter[str] = Counter()
        self.finish_reason = "stop"
        self._lock = threading.Lock()
        self._templates = {language: _templates(language) for language in ("zh", "en")}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                with suppress(BrokenPipeError, ConnectionResetError):
                    owner._answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> OracleServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        key = json.dumps(body["messages"], ensure_ascii=False)
        with self._lock:
            self.requests.append(body)
            self.seen[key] += 1
            number, times = len(self.requests), self.seen[key]
        mishap = self.mishap(number, times, dict(handler.headers))
        if mishap is None:
            question = self.understand(body["messages"])
            answer = self.dress(render(question), question)
            with self._lock:
                self.asked[key] += 1
            message = {"role": "assistant", "content": answer}
            completion = {
                "id": f"chatcmpl-{number}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason}],
                "usage": {"prompt_tokens": len(key), "completion_tokens": len(answer), "total_tokens": 0},
            }
            mishap = Mishap(body=json.dumps(completion, ensure_ascii=False))
        if mishap.delay:
            time.sleep(mishap.delay)
        data = mishap.body.encode()
        handler.send_response(mishap.status)
        handler.send_header("content-type", mishap.content_type)
        handler.send_header("content-length", str(len(data)))
        for name, value in mishap.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if mishap.cut:
            handler.wfile.write(data[: len(data) // 2])
            handler.close_connection = True
            return
        handler.wfile.write(data)

    def understand(self, messages: list[dict[str, str]]) -> Question:
        """Return what the last message asks, of the text that it or an earlier one holds."""
        asked = [message["content"] for message in messages if message["role"] == "user"]
        for language, templates in self._templates.items():
            prompts = load_prompts(language)
            if messages[0]["content"] != prompts["system"]:
                continue
            for (task, style, kind), pattern in templates.items():
                if match := pattern.fullmatch(asked[-1]):
                    values = match.groupdict()
                    text = values.get("text")
                    if text is None:
                        first = templates[task, style, "types"].fullmatch(asked[0])
                        first = first or templates[task, style, "fill"].fullmatch(asked[0])
                        assert first is not None, asked[0]
                        text = first["text"]
                    gold = self.gold[text]
                    return Question(task, style, kind, gold, values, prompts["headers"], prompts["none"])
        raise AssertionError(f"not understood: {asked[-1]}")


def render(question: Question) -> str:
    """Return the right answer in the form that was asked for."""
    items = right_items(question.task, question.example)
    kind, values, gold = question.kind, question.values, question.example
    if kind == "types":
        labels = sorted({item["label"] for item in items})
        if question.style == "json":
            return dumps({"types": labels})
        if not labels:
            return question.none
        joined = ", ".join(labels)
        return f"{question.headers['event']}: {joined}" if question.task == "event" else f"({joined})"
    if kind == "slot":
        for relation in gold.relations or ():
            entities = gold.entities or ()
            parts = (gold.slice(entities[relation.subject]), relation.predicate, gold.slice(entities[relation.object]))
            slot = re.match(r"\w+", values["slot"])
            assert slot is not None
            same = parts == (values["subject"], values["type"], values["object"])
            if same and slot[0] in relation.slots:
                return gold.slice(entities[relation.slots[slot[0]]])
        return question.none
    if kind == "fill":
        items = [item for item in items if item["label"] == values["type"]]
    return (_json if question.style == "json" else _paper)(question, items)


def right_items(task: str, gold: Example) -> list[dict[str, Any]]:
    """Return what a text holds, as strings."""
    entities = gold.entities or ()
    if task == "ner":
        return [
            {"label": kind, "text": text} for text, kind in dict.fromkeys((gold.slice(e), e.type) for e in entities)
        ]
    if task == "relation":
        return [
            {
                "label": r.predicate,
                "subject": gold.slice(entities[r.subject]),
                "object": gold.slice(entities[r.object]),
                **{slot: gold.slice(entities[number]) for slot, number in r.slots.items()},
            }
            for r in gold.relations or ()
        ]
    return [
        {
            "label": event.type,
            "trigger": gold.slice(event.trigger) if event.trigger else None,
            "arguments": [{"role": a.role, "text": gold.slice(a)} for a in event.arguments],
        }
        for event in gold.events or ()
    ]


def _json(question: Question, items: list[dict[str, Any]]) -> str:
    name = {"ner": "type", "relation": "predicate", "event": "type"}[question.task]
    label = {} if question.kind == "fill" else {name: "label"}
    if question.task == "ner":
        told: list[Any] = [i["text"] if not label else {"text": i["text"], "type": i["label"]} for i in items]
        return dumps({"entities": told})
    told = [
        {**dict.fromkeys(label, item["label"]), **{k: v for k, v in item.items() if k != "label"}} for item in items
    ]
    return dumps({"relations" if question.task == "relation" else "events": told})


def _paper(question: Question, items: list[dict[str, Any]]) -> str:
    if not items:
        return question.none
    head = question.headers
    if question.task == "ner":
        return "\n".join(dumps([item["text"], item["label"]]) for item in items)
    if question.task == "relation":
        if question.kind == "fill":
            columns = [question.values["subject"], question.values["object"]]
            return table(columns, [[item["subject"], item["object"]] for item in items])
        columns = [cell.strip() for cell in question.values["columns"].strip("| ").split("|")]
        slots = columns[3:]
        rows = [[i["subject"], i["label"], i["object"], *(i.get(slot, "") for slot in slots)] for i in items]
        return table(columns, rows)
    rows = []
    for item in items:
        given = [[item["label"], a["role"], a["text"]] for a in item["arguments"]]
        asked = question.values.get("roles") or question.values.get("types") or ""
        if item["trigger"] is not None and head["trigger"] in asked:
            given.append([item["label"], head["trigger"], item["trigger"]])
        rows += given or [[item["label"], head["role"], question.none]]
    return table([head["event"], head["role"], head["content"]], rows)


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|").replace("\n", "<br>") for c in line) + " |" for line in lines
    )


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def merge(examples: Sequence[Example]) -> list[Example]:
    """Return each text once, with the annotations of all its copies: the same question can have one answer only."""
    merged: dict[str, Example] = {}
    for example in examples:
        if (old := merged.get(example.text)) is None:
            merged[example.text] = example
            continue
        entities: list[Entity] = list(old.entities or ())
        offset = len(entities)
        entities += example.entities or ()
        moved = [
            Relation(r.subject + offset, r.predicate, r.object + offset, {s: n + offset for s, n in r.slots.items()})
            for r in example.relations or ()
        ]
        merged[example.text] = replace(
            old,
            entities=None if old.entities is None else tuple(entities),
            relations=None if old.relations is None else (*old.relations, *moved),
            events=None if old.events is None else (*old.events, *(example.events or ())),
        )
    return list(merged.values())


def _templates(language: str) -> dict[tuple[str, str, str], re.Pattern[str]]:
    prompts = load_prompts(language)
    found = {}
    for task in ("ner", "relation", "event"):
        for style in ("json", "paper"):
            for kind in NAMES:
                if template := prompts[task][style].get(kind):
                    pattern = _pattern(template)
                    if kind == "fill":
                        pattern = f"(?:{_pattern(prompts['context'])})?{pattern}"
                    found[task, style, kind] = re.compile(pattern, re.DOTALL)
    return found


def _pattern(template: str) -> str:
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.*?)"

    parts = re.split(r"(\$[a-z]+)", template)
    return "".join(re.sub(r"^\$([a-z]+)$", group, part) if part.startswith("$") else re.escape(part) for part in parts)


__all__ = ["Argument", "Event", "Mishap", "OracleServer", "Question", "dumps", "merge", "render", "table"]
