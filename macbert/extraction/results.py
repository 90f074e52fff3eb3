"""What is found in a text, as types; every ``text`` of a span is the slice of the original that it indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from macbert.annotations import Example
from macbert.extraction.wanted import uie_result


@dataclass(frozen=True)
class Span:
    """A stretch of the original text."""

    text: str
    """``original[start:end]``."""

    start: int
    """First character."""

    end: int
    """One past the last character."""

    score: float | None
    """Confidence in 0..1."""


@dataclass(frozen=True)
class NamedSpan(Span):
    """An entity."""

    type: str
    """Its label."""


@dataclass(frozen=True)
class FoundRelation:
    """A predicate between two entities."""

    subject: NamedSpan
    """Who or what it is about."""

    predicate: str
    """Its label."""

    object: NamedSpan
    """The main object."""

    slots: Mapping[str, NamedSpan]
    """Further parts of a complex object, by name."""

    score: float | None
    """Confidence in 0..1."""


@dataclass(frozen=True)
class FoundArgument(Span):
    """A participant of an event."""

    role: str
    """Its label."""


@dataclass(frozen=True)
class FoundEvent:
    """An event."""

    type: str
    """Its label."""

    trigger: Span | None
    """The words that name it."""

    arguments: tuple[FoundArgument, ...]
    """Its participants."""

    score: float | None
    """Confidence in 0..1."""


@dataclass(frozen=True)
class Edit:
    """One character put right."""

    position: int
    """Where, in both texts."""

    wrong: str
    """The character that stands there."""

    right: str
    """The character that belongs there."""


@dataclass(frozen=True)
class Extraction:
    """Everything that a model says of a text; what its task does not answer is empty or None.

    >>> from macbert.annotations import Entity
    >>> found = as_extraction(Example("李雷在北京工作。", entities=(Entity(3, 5, "地点", 0.9),)))
    >>> [(name.text, name.type) for name in found.entities]
    [('北京', '地点')]
    """

    text: str
    """The original text."""

    entities: tuple[NamedSpan, ...] = ()
    """Names, in reading order."""

    relations: tuple[FoundRelation, ...] = ()
    """Relations between them."""

    events: tuple[FoundEvent, ...] = ()
    """Events."""

    label: str | None = None
    """The class of the text or pair."""

    labels: tuple[str, ...] | None = None
    """The classes, where there may be several."""

    score: float | None = None
    """Confidence in the class or classes, in 0..1."""

    answer: Span | None = None
    """The best answer to the question, if the text holds one."""

    correction: str | None = None
    """The text without its spelling mistakes."""

    edits: tuple[Edit, ...] = ()
    """Where ``correction`` differs."""

    example: Example = field(default=Example(""), repr=False, compare=False)
    """The same in the annotation format."""

    def as_uie(self) -> dict[str, list[dict[str, Any]]]:
        """Return names, relations and events in UIE's nested form."""
        return uie_result(self.example)


def as_extraction(example: Example) -> Extraction:
    """Return a prediction in the annotation format as typed results."""

    def span(item: Any) -> dict[str, Any]:
        score = getattr(item, "score", None)
        return {"text": example.slice(item), "start": item.start, "end": item.end, "score": score}

    names = tuple(NamedSpan(**span(entity), type=entity.type) for entity in example.entities or ())
    relations = tuple(
        FoundRelation(
            names[relation.subject],
            relation.predicate,
            names[relation.object],
            {slot: names[number] for slot, number in relation.slots.items()},
            relation.score,
        )
        for relation in example.relations or ()
    )
    events = tuple(
        FoundEvent(
            event.type,
            Span(**span(event.trigger)) if event.trigger else None,
            tuple(FoundArgument(**span(argument), role=argument.role) for argument in event.arguments),
            event.score,
        )
        for event in example.events or ()
    )
    edits = tuple(
        Edit(place, wrong, right)
        for place, (wrong, right) in enumerate(zip(example.text, example.target or example.text, strict=True))
        if wrong != right
    )
    return Extraction(
        text=example.text,
        entities=names,
        relations=relations,
        events=events,
        label=example.label,
        labels=example.labels,
        score=example.score,
        answer=Span(**span(example.answers[0])) if example.answers else None,
        correction=example.target,
        edits=edits,
        example=example,
    )
