"""Errors in the user's language, each with a code that never changes.

The source speaks English. Every floor has a catalogue, ``messages.yaml``, of the phrases that its errors are made of,
with the Chinese of each; it is read only when an error is printed.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from corpus.errors import Problem

FLOORS = ("corpus", "tokenizer", "macbert")

LANGUAGE = "MACBERT_LANG"
"""Environment variable: zh or en; without it the locale decides."""

PARTS = ("expected", "found", "fix", "other")


@dataclass(frozen=True)
class Entry:
    """One phrase."""

    english: str
    """With ``{}`` for each value."""

    chinese: str
    """With ``{}``, or with ``{0}``, ``{1}`` where the order is another one."""

    code: str | None
    """Of what was expected: names the error."""

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the phrase with any values."""
        pieces = [re.escape(_plain(piece)) for piece in self.english.split("{}")]
        return re.compile("(.*?)".join(pieces), re.DOTALL)


@dataclass
class Part:
    """The phrases of one part of an error."""

    whole: dict[str, Entry] = field(default_factory=dict)
    """Phrases without a value, by their text."""

    open: list[Entry] = field(default_factory=list)
    """The others, those with most letters of their own first."""


def language() -> str:
    """Return zh or en: ``MACBERT_LANG``, else what the locale says of messages (LC_ALL, LC_MESSAGES, LANG)."""
    asked = os.environ.get(LANGUAGE, "").lower()[:2]
    if asked in ("zh", "en"):
        return asked
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, names), "").lower().startswith("zh") else "en"


def told(problem: Problem) -> str:
    """Return a problem as one line in the user's language; its code stands at the end, where it is in the catalogue."""
    expected, code = _translated("expected", problem.expected)
    ending = f" [{code}]" if code else ""
    if language() == "en":
        return f"{problem}{ending}"
    found, _ = _translated("found", problem.found)
    fix, _ = _translated("fix", problem.fix)
    return f"{problem.where}：期望{_set_off(expected)}，实际：{found}；{fix}{ending}"


def told_message(message: str) -> str:
    """Return another message of the door in the user's language, with its code."""
    chinese, code = _translated("other", message)
    ending = f" [{code}]" if code else ""
    return (chinese if language() == "zh" else message) + ending


def prefix(kind: str) -> str:
    """Return what stands before a message: ``error`` or ``warning``."""
    word = {"error": "错误", "warning": "警告"}[kind]
    return f"macbert: {word}：" if language() == "zh" else f"macbert: {kind}: "


def _translated(part: str, text: str) -> tuple[str, str | None]:
    """Return a phrase in Chinese with its code; the phrase itself where the catalogue has none."""
    known = catalogue()[part]
    if (entry := known.whole.get(text)) is not None:
        return entry.chinese.format(), entry.code
    for entry in known.open:
        if (match := entry.pattern.fullmatch(text)) is not None:
            # A value may be a phrase itself ("choose another --output, or empty it").
            values = [inner.chinese.format() if (inner := known.whole.get(v)) else v for v in match.groups()]
            return entry.chinese.format(*values), entry.code
    return text, None


def _set_off(text: str) -> str:
    """Return a phrase that follows a Chinese sign: with a space before it where it begins with a Latin one."""
    return f" {text}" if text[:1].isascii() else text


@functools.cache
def catalogue() -> dict[str, Part]:
    """Return every floor's phrases by part."""
    parts = {part: Part() for part in PARTS}
    for floor in FLOORS:
        for part, entry in read_catalogue(floor):
            if "{}" in entry.english:
                parts[part].open.append(entry)
            else:
                parts[part].whole.setdefault(_plain(entry.english), entry)
    for known in parts.values():
        known.open.sort(key=lambda entry: -len(entry.english))
    return parts


def read_catalogue(floor: str) -> Iterable[tuple[str, Entry]]:
    """Yield part and entry of a floor's ``messages.yaml``."""
    path = Path(__file__).resolve().parents[2] / floor / "messages.yaml"
    value: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for part, entries in value.items():
        for code, (english, chinese) in entries.items() if isinstance(entries, dict) else ((None, e) for e in entries):
            yield part, Entry(english, chinese, code)


def _plain(template: str) -> str:
    return template.replace("{{", "{").replace("}}", "}")
