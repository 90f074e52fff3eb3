"""Which labels of a closed list a reply names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from macbert.chatie.answers.loose_json import json_values
from macbert.chatie.answers.plain import is_none

_EDGE = " \t\r\n\"'“”‘’「」`*()（）[]［］【】{}<>《》。.!！?？-•·"
_LEAD = re.compile(r"^\s*(?:\d+[.、)）]|[-*•])\s*")
_DENIAL = re.compile(r"没有|未|不(?!动)|无|\bno\b|\bnot\b|n't\b", re.IGNORECASE)


def read_names(reply: str, known: Sequence[str], notes: Counter[str]) -> list[str]:
    """Return the labels that a reply names, in the order of the list; what it names besides is counted as unknown.

    It may be JSON, a tuple of any width of bracket and comma, a list, ``事件类型: a, b``, or prose.

    >>> read_names("（导演，编剧、制片）", ["编剧", "导演"], notes := Counter()), dict(notes)
    (['编剧', '导演'], {'unknown_label': 1})
    """
    found: set[str] = set()
    table = {_plain(name): name for name in known}
    if _plain(reply) in table:
        return [table[_plain(reply)]]
    values = json_values(reply, notes)
    pieces = [piece for value in values for piece in _strings(value)] if values else None
    if pieces is None or (not pieces and not _only_empty(values)):
        notes.pop("cut", None) if pieces else None
        pieces = _split(reply, table)
    for piece in pieces:
        bare = piece.strip(_EDGE)
        if _plain(bare) in table:
            found.add(table[_plain(bare)])
        elif is_none(piece) or not bare:
            notes["none"] += 1
        else:
            inside = [] if _DENIAL.search(piece) else _inside(piece, table)
            found.update(inside)
            if not inside:
                notes["none" if _DENIAL.search(piece) else "unknown_label"] += 1
            elif piece == pieces[0] and len(pieces) == 1:
                notes["prose"] += 1
    return [name for name in known if name in found]


def _split(reply: str, table: dict[str, str]) -> list[str]:
    pieces: list[str] = []
    for line in re.split(r"[\n;；]", reply):
        line = _LEAD.sub("", line)
        if _plain(line.strip(_EDGE)) in table:
            pieces.append(line)
            continue
        # "事件类型: a, b": what stands before the colon is no label, unless it is one.
        head, colon, tail = re.split(r"([:：])", line, maxsplit=1) if re.search(r"[:：]", line) else ("", "", line)
        body = tail if colon and _plain(head.strip(_EDGE)) not in table else line
        pieces += [piece for piece in re.split(r"[,，、|｜]", body) if piece.strip()]
    return pieces


def _inside(piece: str, table: dict[str, str]) -> list[str]:
    """Return the labels inside a piece of prose, the longest first, each character used once."""
    text, found = _plain(piece), []
    for name in sorted(table, key=len, reverse=True):
        if name and name in text:
            if name.isascii() and not re.search(rf"(?<![a-z]){re.escape(name)}(?![a-z])", text):
                continue
            found.append(table[name])
            text = text.replace(name, "\n")
    return found


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        # {"types": [...]}, {"type": "人物"}, or {"人物": true}
        if value and all(isinstance(item, bool) for item in value.values()):
            return [str(name) for name, holds in value.items() if holds]
        return [piece for item in value.values() for piece in _strings(item)]
    if isinstance(value, list):
        return [piece for item in value for piece in _strings(item)]
    return []


def _only_empty(values: Sequence[Any]) -> bool:
    return all(not value or (isinstance(value, dict) and not any(value.values())) for value in values)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()
