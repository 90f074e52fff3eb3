"""What formats of JSON records share: one reader of a record makes a reader of a file, and spans are checked."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from corpus.files import atomic_file
from macbert.annotations.reading import json_lines, read_all
from macbert.annotations.schema import Example

Found = Iterator["Example | Problem"]


def reads_records(*keys: str) -> Callable[[Callable[[dict[str, Any], str], Found]], Callable[[Path], Found]]:
    """Turn a reader of one record into a reader of a file of them (a JSON array or JSON lines).

    A record that is no object, lacks one of ``keys``, or is built otherwise than its reader expects gives a problem
    with its place, and reading goes on.
    """

    def decorate(read_one: Callable[[dict[str, Any], str], Found]) -> Callable[[Path], Found]:
        @functools.wraps(read_one)
        def read(path: Path) -> Found:
            for record in json_records(path):
                if isinstance(record, Problem):
                    yield record
                    continue
                value, where = record
                if problem := missing_keys(value, where, *keys):
                    yield problem
                    continue
                try:
                    yield from read_one(value, where)
                except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                    found = f"no {error}" if isinstance(error, KeyError) else str(error)
                    yield Problem(where, "a record built as in that format", found, "mend the source; left out")

        return read

    return decorate


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


def identifier(value: dict[str, Any]) -> str | None:
    """Return a record's ``id`` as a string, or None."""
    return None if value.get("id") is None else str(value["id"])


def number_or_text(text: str) -> int | str:
    """Return an id or label as the number that it writes, or as it is: what a JSON source had before it was read.

    >>> [number_or_text(text) for text in ("12", "012", "一2")]
    [12, '012', '一2']
    """
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text


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


def missing_keys(value: dict[str, Any], where: str, *keys: str) -> Problem | None:
    """Return a problem if a record lacks any of the keys."""
    lacking = [key for key in keys if key not in value]
    if not lacking:
        return None
    return Problem(where, f"keys {', '.join(keys)}", f"no {', '.join(lacking)}", "give a file of that format")


def _checked(value: Any, where: str) -> tuple[dict[str, Any], str] | Problem:
    if isinstance(value, dict):
        return value, where
    return Problem(where, "a JSON object", type(value).__name__, "mend the source")
