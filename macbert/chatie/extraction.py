"""One text after another through the two stages, many at once; every answer grounded, every problem counted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from macbert.annotations import Example
from macbert.chatie.answers import clean, is_none, read_names
from macbert.chatie.answers.items import FoundEvent, FoundRelation
from macbert.chatie.cache import AnswerCache
from macbert.chatie.client import ChatClient, Message, Reply, Usage
from macbert.chatie.config import ChatSettings
from macbert.chatie.grounding import Grounding
from macbert.chatie.questions import Found, Questions
from macbert.chatie.schema import Schema
from macbert.metrics import Counts

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]


@dataclass
class Extracted:
    """What a chat model said of some texts."""

    predicted: list[Example]
    """Each text with what was found in it; nothing of the given annotations."""

    usage: Usage
    """Questions, tokens, seconds, troubles of the wire."""

    notes: Counter[str] = field(default_factory=Counter)
    """What was read how, and what was left out why."""

    stage_one: Counts | None = None
    """Labels named in the first stage against those that occur; None without a first stage or without gold."""


def extract(
    examples: Sequence[Example], schema: Schema, model: str, settings: ChatSettings, progress: Progress | None = None
) -> Extracted:
    """Ask a chat model about texts; the same texts, schema and settings are asked once, ever.

    Args:
        examples: texts; their annotations are looked at only in mode oracle and for the first stage's score.
        schema: the closed list of labels.
        model: name at the server.
        settings: address, mode, style, tries.
        progress: called with ("chat", texts done, texts).

    Raises:
        UserError: the server refuses key or model.
        OSError: the server cannot be reached.
        MissingExtra: the openai package is not installed.
    """
    language = settings.language
    if language == "auto":
        language = "zh" if _is_chinese(example.text for example in examples) else "en"
    questions = Questions(schema, language, settings.style, triggers=settings.triggers)
    cache = AnswerCache(settings.cache)
    client = ChatClient(model, settings, cache)
    try:
        return _run(examples, Conversation(questions, client, settings), progress)
    finally:
        client.close()
        cache.close()


def _run(examples: Sequence[Example], conversation: Conversation, progress: Progress | None) -> Extracted:
    results: list[TextResult | None] = [None] * len(examples)
    with ThreadPoolExecutor(conversation.settings.concurrency) as pool:
        futures: dict[Future[TextResult], int] = {}
        waiting = iter(enumerate(examples))
        done = 0
        try:
            while True:
                # Few at a time: a run that must stop has not queued a million questions.
                for number, example in waiting:
                    futures[pool.submit(conversation.read, example)] = number
                    if len(futures) >= 2 * conversation.settings.concurrency:
                        break
                if not futures:
                    break
                finished, _ = wait(futures, return_when=FIRST_COMPLETED)
                for future in finished:
                    results[futures.pop(future)] = future.result()
                    done += 1
                    if progress is not None:
                        progress("chat", done, len(examples))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    texts = [result for result in results if result is not None]
    notes = sum((result.notes for result in texts), Counter())
    known = [result.stage_one for result in texts if result.stage_one is not None]
    stage_one = sum(known, Counts()) if known else None
    return Extracted([result.predicted for result in texts], conversation.client.usage, notes, stage_one)


@dataclass
class TextResult:
    """What came of one text."""

    predicted: Example
    notes: Counter[str]
    stage_one: Counts | None = None


class Conversation:
    """Asks about one text at a time; threads share it.

    Args:
        questions: what to ask.
        client: whom.
        settings: in which mode.
    """

    def __init__(self, questions: Questions, client: ChatClient, settings: ChatSettings) -> None:
        self.questions, self.client, self.settings = questions, client, settings
        self.schema = questions.schema

    def read(self, example: Example) -> TextResult:
        """Return what the model says of a text, grounded in it."""
        notes: Counter[str] = Counter()
        counts = None
        gold = gold_labels(self.schema.task, example)
        text = example.text
        start: list[Message] = [{"role": "system", "content": self.questions.system}]
        if self.settings.mode == "single":
            _, reply = self._ask(start, self.questions.single(text), self.questions.fill_schema(None), notes)
            found = self.questions.items(reply, None, notes) if reply is not None else []
            return TextResult(self._grounded(example, found, notes), notes)
        if self.settings.mode == "oracle":
            names = [name for name in self.schema.names if name in (gold or ())]
        else:
            start, reply = self._ask(start, self.questions.types(text), self.questions.types_schema(), notes)
            names = read_names(reply, self.schema.names, notes) if reply is not None else []
            if gold is not None:
                counts = Counts(len(set(names) & gold), len(names), len(gold))
        found = []
        history = start
        for name in names:
            context = text if len(history) == 1 else None
            turns, reply = self._ask(
                history, self.questions.fill(name, context), self.questions.fill_schema(name), notes
            )
            if reply is None:
                continue
            items = self.questions.items(reply, name, notes)
            if self.settings.style == "paper":
                items = [self._with_slots(item, turns, notes) for item in items]
            found += items
            if self.settings.history == "all":
                history = turns
        return TextResult(self._grounded(example, found, notes), notes, counts)

    def _with_slots(self, item: Found, turns: list[Message], notes: Counter[str]) -> Found:
        """Return a relation with the further parts of its object, one question each."""
        if not isinstance(item, FoundRelation) or not self.schema[item.predicate].slots:
            return item
        slots = {}
        for slot in self.schema[item.predicate].slots:
            _, reply = self._ask(turns, self.questions.slot(item, slot), None, notes)
            if reply is not None and not is_none(reply):
                slots[slot] = reply
        return replace(item, slots=slots)

    def _ask(
        self, history: list[Message], question: str, schema: dict[str, Any] | None, notes: Counter[str]
    ) -> tuple[list[Message], str | None]:
        """Return the conversation with question and answer, and the answer without its thinking; None if it failed."""
        turns = [*history, {"role": "user", "content": question}]
        reply: Reply = self.client.ask(turns, schema)
        notes["replies"] += 1
        if reply.failed is not None:
            notes["failed"] += 1
            return turns, None
        if reply.cut:
            notes["cut_at_max_tokens"] += 1
        answer = clean(reply.text)
        return [*turns, {"role": "assistant", "content": answer}], answer

    def _grounded(self, example: Example, found: Sequence[Found], notes: Counter[str]) -> Example:
        ground = Grounding(example.text, notes)
        plain = Example(example.text, id=example.id, extra=example.extra, where=example.where)
        if self.schema.task == "ner":
            return replace(plain, entities=ground.names(found, self.schema))  # type: ignore[arg-type]
        if self.schema.task == "relation":
            entities, relations = ground.relations(found, self.schema)  # type: ignore[arg-type]
            return replace(plain, entities=entities, relations=relations)
        if not self.settings.triggers:
            found = [replace(item, trigger=None) for item in found if isinstance(item, FoundEvent)]
        return replace(plain, events=ground.events(found, self.schema))  # type: ignore[arg-type]


def gold_labels(task: str, example: Example) -> set[str] | None:
    """Return the labels that occur in an annotated text, or None where the annotations are missing."""
    if task == "ner":
        return None if example.entities is None else {entity.type for entity in example.entities}
    if task == "relation":
        return None if example.relations is None else {relation.predicate for relation in example.relations}
    return None if example.events is None else {event.type for event in example.events}


def _is_chinese(texts: Iterable[str]) -> bool:
    letters = han = 0
    for text in texts:
        letters += sum(map(str.isalpha, text))
        han += sum("一" <= sign <= "鿿" for sign in text)
    return 2 * han >= letters
