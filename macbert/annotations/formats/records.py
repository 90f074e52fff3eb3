"""JSON records of a file, and spans checked against the text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from corpus.files import atomic_file
from macbert.annotations.reading import json_lines, read_all


def json_records(path: Path) -> Iterator[tuple[dict[str, Any], str] | Problem]:
    """Yield (object, where) of a JSON array file or a JSON-lines file, and problems."""
    if ".jsonl" not in path.name and ".json" in path.name:
        try:
            value = json.loads(read_all(path))
        except ValueError:
            value = None  # JSON lines under another name
        if isinstance(value, list):
            for number, item in enumerate(value, 1):
                yield _checked(item, f"{path}:record {number}")
            return
    for value, where, problem in json_lines(path):
        yield problem if problem is not None else _checked(value, where)


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line."""
    with atomic_file(path) as stream:
        stream.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def bad_span(text: str, start: Any, end: Any, surface: str | None, where: str, what: str) -> Problem | None:
    """Return what is wrong with a span, or None."""
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in (start, end)):
        return Problem(where, f"whole numbers as the span of {what}", f"{start!r}, {end!r}", "mend the source")
    if not 0 <= start < end <= len(text):
        found = f"[{start}, {end})"
        return Problem(where, f"{what} inside the text of {len(text)} characters", found, "mend the source")
    if surface is not None and text[start:end] != surface:
        return Problem(where, f"{what} '{surface[:20]}'", f"'{text[start:end][:20]}' there", "mend the source")
    return None


def _checked(value: Any, where: str) -> tuple[dict[str, Any], str] | Problem:
    if isinstance(value, dict):
        return value, where
    return Problem(where, "a JSON object", type(value).__name__, "mend the source")


def missing_keys(value: dict[str, Any], where: str, *keys: str) -> Problem | None:
    """Return a problem if a record lacks any of the keys."""
    lacking = [key for key in keys if key not in value]
    if not lacking:
        return None
    return Problem(where, f"keys {', '.join(keys)}", f"no {', '.join(lacking)}", "give a file of that format")
