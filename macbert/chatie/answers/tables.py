"""Rows of cells: Markdown tables with or without their separator, lists of pairs, tuples, one a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from macbert.chatie.answers.loose_json import json_values
from macbert.chatie.answers.plain import is_none

_SEPARATOR = re.compile(r"[:：\-—–=\s|｜+]+")
_PIPE = re.compile(r"(?<!\\)[|｜]")
_TUPLE = re.compile(r"^\s*(?:[-*•]|\d+[.、)])?\s*[(（【\[](.+)[)）】\]]\s*[,，;；。.]?\s*$")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read_rows(reply: str, headers: Sequence[str], notes: Counter[str]) -> tuple[list[list[str]], list[str] | None]:
    """Return the rows of a reply, and its header if it has one.

    Args:
        reply: without its thinking part.
        headers: names that make a row a header: all its cells are among them.
        notes: counts headers, missing separators, prose, and ``unreadable`` for a reply with neither rows nor a word
            for "nothing".

    >>> read_rows("| 主体 | 客体 |\\n| 李雷 | 北京 |", ["主体", "客体"], Counter())
    ([['李雷', '北京']], ['主体', '客体'])
    """
    rows, rest = _piped(reply, notes)
    if not rows:
        rows, rest = _listed(reply, notes)
    if not rows:
        rows, rest = _tuples(reply)
    known = {_plain(header) for header in headers}
    header = None
    kept = []
    for row in rows:
        if all(_plain(cell) in known for cell in row if cell) and any(row):
            notes["header"] += 1
            header = header or row
        elif all(is_none(cell) for cell in row):
            notes["none"] += 1
        else:
            kept.append(row)
    if rest:
        notes["prose" if rows else "none" if is_none(rest) or _says_none(rest) else "unreadable"] += 1
    return kept, header


def _piped(reply: str, notes: Counter[str]) -> tuple[list[list[str]], str]:
    rows: list[list[str]] = []
    rest: list[str] = []
    separators = 0
    for line in reply.split("\n"):
        if not _PIPE.search(line):
            rest.append(line)
        elif _SEPARATOR.fullmatch(line):
            separators += 1
        else:
            cells = [_cell(cell) for cell in _PIPE.split(line.strip())]
            if line.strip()[:1] in ("|", "｜"):
                cells = cells[1:]
            if _PIPE.search(line.strip()[-1:]):
                cells = cells[:-1]
            rows.append(cells)
    if rows and not separators:
        notes["no_separator"] += 1
    return rows, "\n".join(line for line in rest if line.strip() and not line.strip().startswith("```"))


def _listed(reply: str, notes: Counter[str]) -> tuple[list[list[str]], str]:
    rows: list[list[str]] = []

    def add(value: Any) -> None:
        if isinstance(value, dict):
            inner = [item for item in value.values() if isinstance(item, list)]
            if inner:
                for item in inner:
                    add(item)
            else:
                rows.append([_text(cell) for cell in value.values()])
        elif isinstance(value, list) and value and all(not isinstance(item, dict | list) for item in value):
            rows.append([_text(cell) for cell in value])
        elif isinstance(value, list):
            for item in value:
                add(item)

    values = json_values(reply, notes)
    for value in values:
        add(value)
    # An empty list is an answer: there is nothing.
    return rows, "" if rows else "无" if values and not any(values) else reply


def _tuples(reply: str) -> tuple[list[list[str]], str]:
    rows: list[list[str]] = []
    rest = []
    for line in reply.split("\n"):
        match = _TUPLE.match(line)
        if match and not is_none(match[1]):
            rows.append([_cell(cell.strip(" \"'“”‘’")) for cell in re.split(r"[,，、|]", match[1])])
        elif line.strip():
            rest.append(line)
    return rows, "\n".join(rest)


def _cell(text: str) -> str:
    bare = _BREAK.sub("\n", text.strip().replace("\\|", "|"))
    return bare[2:-2] if len(bare) > 4 and bare.startswith("**") and bare.endswith("**") else bare


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _plain(text: str) -> str:
    return re.sub(r"[\s*`\"“”]", "", text).lower()


def _says_none(text: str) -> bool:
    """Return whether a short sentence only says that there is nothing."""
    return (
        len(text) < 60
        and re.search(r"没有|不存在|未提及|不包含|无法|\bno\b|\bnone\b|\bnot\b", text.lower()) is not None
    )
