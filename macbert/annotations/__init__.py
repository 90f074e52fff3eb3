"""Labelled texts: one format for every task, JSON lines with half-open character spans into the untouched text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.annotations.config import ConvertConfig, ValidateConfig
    from macbert.annotations.conversion import ConvertResult, convert
    from macbert.annotations.formats import read_format, write_format
    from macbert.annotations.parsing import parse_example
    from macbert.annotations.reading import read_examples, require, scan_examples
    from macbert.annotations.schema import Answer, Argument, Entity, Event, Example, Relation, Trigger
    from macbert.annotations.validation import ValidateResult, validate
    from macbert.annotations.writing import example_as_json, write_examples

__all__ = [
    "Answer",
    "Argument",
    "ConvertConfig",
    "ConvertResult",
    "Entity",
    "Event",
    "Example",
    "Relation",
    "Trigger",
    "ValidateConfig",
    "ValidateResult",
    "convert",
    "example_as_json",
    "parse_example",
    "read_examples",
    "read_format",
    "require",
    "scan_examples",
    "validate",
    "write_examples",
    "write_format",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Answer": "schema",
        "Argument": "schema",
        "ConvertConfig": "config",
        "ConvertResult": "conversion",
        "Entity": "schema",
        "Event": "schema",
        "Example": "schema",
        "Relation": "schema",
        "Trigger": "schema",
        "ValidateConfig": "config",
        "ValidateResult": "validation",
        "convert": "conversion",
        "example_as_json": "writing",
        "parse_example": "parsing",
        "read_examples": "reading",
        "read_format": "formats",
        "require": "reading",
        "scan_examples": "reading",
        "validate": "validation",
        "write_examples": "writing",
        "write_format": "formats",
    },
)
