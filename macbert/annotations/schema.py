"""What a labelled text holds: one immutable record for every task, with character spans into the untouched text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entity:
    """A named stretch of text."""

    start: int
    """First character."""

    end: int
    """One past the last character."""

    type: str
    """Its label."""

    score: float | None = None
    """Confidence in 0..1, of predictions only."""

    @property
    def key(self) -> tuple[int, int, str]:
        """What two entities must share to be the same one under strict scoring."""
        return self.start, self.end, self.type


@dataclass(frozen=True, slots=True)
class Relation:
    """A predicate between two entities, given by their places in ``Example.entities``."""

    subject: int
    """Index of the subject entity."""

    predicate: str
    """Its label."""

    object: int
    """Index of the object entity."""

    slots: Mapping[str, int] = field(default_factory=dict)
    """Further parts of a complex object (DuIE's ``inWork``, ``onDate``...), as entity indices by name."""

    score: float | None = None
    """Confidence in 0..1, of predictions only."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """The words that name an event."""

    start: int
    """First character."""

    end: int
    """One past the last character."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A participant of an event."""

    role: str
    """Its label."""

    start: int
    """First character."""

    end: int
    """One past the last character."""

    aliases: tuple[str, ...] = ()
    """Other surfaces that a scorer accepts (DuEE)."""

    score: float | None = None
    """Confidence in 0..1, of predictions only."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens, its trigger and its participants."""

    type: str
    """Its label."""

    trigger: Trigger | None = None
    """None where the data mark none."""

    arguments: tuple[Argument, ...] = ()
    """In the order of the data."""

    score: float | None = None
    """Confidence in 0..1, of predictions only."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A stretch of text that answers the question."""

    start: int
    """First character."""

    end: int
    """One past the last character."""

    score: float | None = None
    """Confidence in 0..1, of predictions only."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text. A field is None where the data say nothing, and empty where they say "none".

    >>> example = Example("李雷在北京工作。", entities=(Entity(3, 5, "地点"),))
    >>> example.slice(example.entities[0])
    '北京'
    """

    text: str
    """The text, never changed; every span indexes it. For corrections, the text with its mistakes."""

    id: str | None = None
    """As given."""

    text_pair: str | None = None
    """The second text of a pair."""

    label: str | None = None
    """The class of the text or pair."""

    labels: tuple[str, ...] | None = None
    """The classes of a text that may have several."""

    entities: tuple[Entity, ...] | None = None
    """Named stretches; they may overlap."""

    relations: tuple[Relation, ...] | None = None
    """Between ``entities``."""

    events: tuple[Event, ...] | None = None
    """With their triggers and arguments."""

    question: str | None = None
    """What is asked about the text."""

    answers: tuple[Answer, ...] | None = None
    """Stretches that answer it, any of which is right; empty where the text holds no answer."""

    target: str | None = None
    """The text without its spelling mistakes, as long as ``text``."""

    score: float | None = None
    """Confidence in 0..1 of ``label``, of predictions only."""

    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the file that no task reads; they are kept and written back."""

    where: str = field(default="", compare=False)
    """``file:line``, for messages."""

    def slice(self, span: Any) -> str:
        """Return the characters of anything with ``start`` and ``end``."""
        return self.text[span.start : span.end]
