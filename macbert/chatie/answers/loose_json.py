"""JSON as chat models write it: inside prose or fences, with single quotes, full-width signs, or cut in the middle."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from typing import Any

_FENCE = re.compile(r"```[\w-]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_WIDE = str.maketrans({"“": '"', "”": '"', "：": ":", "，": ",", "［": "[", "］": "]", "｛": "{", "｝": "}"})
_CLOSING = {"{": "}", "[": "]"}
_LONGEST = 200_000


def json_values(reply: str, notes: Counter[str]) -> list[Any]:
    """Return the JSON objects and arrays of a reply in order; how they had to be read is counted in ``notes``.

    >>> notes = Counter()
    >>> json_values('结果如下：{"types": ["人物"]}，希望有帮助', notes), dict(notes)
    ([{'types': ['人物']}], {'prose': 1})
    >>> json_values('[{"text": "李雷"}, {"text": "韩梅', notes)
    [[{'text': '李雷'}]]
    """
    reply = reply[:_LONGEST]
    if whole := _decode(reply):
        return whole if isinstance(whole[0], dict | list) else []
    for part in _FENCE.findall(reply):
        if values := _scan(part, Counter()):
            notes["fence"] += 1
            return values
    opened = re.search(r"[\[{]", reply)
    if opened and not _balanced_end(reply, opened.start()) and (values := _repair(reply)):
        notes["cut"] += 1
        return values
    local: Counter[str] = Counter()
    if values := _scan(reply, local):
        notes.update(local)
        return values
    wide = reply.translate(_WIDE)
    if wide != reply and (values := _scan(wide, local)):
        notes["full_width"] += 1
        return values
    values = _repair(reply) or (_repair(wide) if wide != reply else [])
    if values:
        notes["cut"] += 1
    return values


def _decode(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return []


def _scan(text: str, notes: Counter[str]) -> list[Any]:
    """Return every value that begins at a bracket and is whole; the text between is prose."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    place, prose = 0, ""
    while match := re.compile(r"[\[{]").search(text, place):
        start = match.start()
        prose += text[place:start]
        try:
            value, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = _balanced_end(text, start)
            found = _python(text[start:end]) if end else None
            if found is None:
                prose += text[start]
                place = start + 1
                continue
            value, place = found, end
            notes["python"] += 1
        values.append(value)
    if values and re.sub(r"[\s,，;；]", "", prose + text[place:]):
        notes["prose"] += 1
    return values


def _python(text: str) -> dict[str, Any] | list[Any] | None:
    """Return a Python literal (single quotes, None, a comma too many), or None."""
    try:
        value = json.loads(_TRAILING_COMMA.sub(r"\1", text))
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return value if isinstance(value, dict | list) else None


def _balanced_end(text: str, start: int) -> int:
    """Return one past the bracket that closes the one at ``start``, or 0; brackets inside quotes do not count."""
    stack: list[str] = []
    quote = ""
    place = start
    while place < len(text):
        sign = text[place]
        if quote:
            if sign == "\\":
                place += 1
            elif sign == quote:
                quote = ""
        elif sign == '"' or (sign == "'" and text[place - 1] in "[{,:( \n\t"):
            quote = sign
        elif sign in _CLOSING:
            stack.append(_CLOSING[sign])
        elif stack and sign == stack[-1]:
            stack.pop()
            if not stack:
                return place + 1
        place += 1
    return 0


def _repair(text: str) -> list[Any]:
    """Return what is whole of a value that was cut: everything up to the last comma or bracket that makes sense."""
    start = min((place for place in (text.find("{"), text.find("[")) if place >= 0), default=-1)
    if start < 0:
        return []
    stack: list[str] = []
    sound: list[tuple[int, str]] = []
    quoted = escaped = False
    for place in range(start, len(text)):
        sign = text[place]
        if quoted:
            quoted = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
            continue
        if sign == '"':
            quoted, escaped = True, False
        elif sign in _CLOSING:
            stack.append(_CLOSING[sign])
            if sign == "[":
                sound.append((place + 1, "".join(reversed(stack))))
        elif sign in "}]":
            if not stack or stack.pop() != sign:
                break
            sound.append((place + 1, "".join(reversed(stack))))
        elif sign == ",":
            sound.append((place, "".join(reversed(stack))))
    for end, closing in reversed(sound[-50:]):
        value = _decode(text[start:end] + closing)
        if value and isinstance(value[0], dict | list):
            return value
    return []
