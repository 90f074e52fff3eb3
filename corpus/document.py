"""The one thing that every step of the corpus floor takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of text with its origin; steps return changed copies and never change it in place."""

    id: str
    """Unique inside one corpus."""

    text: str
    """The text itself, well-formed Unicode (no lone surrogates)."""

    source: str = ""
    """Where it came from: a file name or the name of a data set."""

    meta: Mapping[str, Any] = field(default_factory=dict)
    """Further JSON values of the record: title, date, scores."""


Filter = Callable[[Document], str | None]
"""Returns the reason to drop a document, or None to keep it."""

Transform = Callable[[Document], Document]
"""Returns the document, changed or as it was."""
