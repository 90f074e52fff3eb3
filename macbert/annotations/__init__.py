"""Labelled texts: one format for every task, JSON lines with half-open character spans into the untouched text."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.annotations.parsing import parse_example
    from macbert.annotations.reading import read_examples, require, scan_examples
    from macbert.annotations.schema import Answer, Argument, Entity, Event, Example, Relation, Trigger
    from macbert.annotations.writing import example_as_json, write_examples

_HOME = {
    "Answer": "schema",
    "Argument": "schema",
    "Entity": "schema",
    "Event": "schema",
    "Example": "schema",
    "Relation": "schema",
    "Trigger": "schema",
    "example_as_json": "writing",
    "parse_example": "parsing",
    "read_examples": "reading",
    "require": "reading",
    "scan_examples": "reading",
    "write_examples": "writing",
}

__all__ = [
    "Answer",
    "Argument",
    "Entity",
    "Event",
    "Example",
    "Relation",
    "Trigger",
    "example_as_json",
    "parse_example",
    "read_examples",
    "require",
    "scan_examples",
    "write_examples",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
