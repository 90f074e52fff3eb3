"""One record to one document, or the reason why it cannot be one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from corpus.document import Document
from corpus.readers.json_lines import kind_of
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record

_JUNK = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd\ufffe\uffff]")
_MAX_JUNK_SHARE = 0.1
"""Ours: a text with more control characters and U+FFFD than this (and than four) is not text but other bytes."""

_KEYS_REMEMBERED = 64


def to_document(
    record: Record, source: str, ours: bool, options: ReaderOptions, facts: FileFacts
) -> Document | BadRecord:
    """Return the document that a record holds.

    The text is ``options.text_key``'s, the id ``options.id_key``'s (a string or whole number; else the source and the
    record's number), and everything else becomes ``meta``. Reasons: ``no_text``, ``empty_text``, ``lone_surrogate``,
    ``broken_characters``.
    """
    made = _make(record, source, ours, options, facts)
    return made if record.member is None or isinstance(made, Document) else replace(made, member=record.member)


def _make(record: Record, source: str, ours: bool, options: ReaderOptions, facts: FileFacts) -> Document | BadRecord:
    fields = record.fields
    key = options.text_key
    text = fields.get(key)
    if not isinstance(text, str):
        if key not in fields:
            facts.keys = facts.keys if facts.keys is not None else {}
            for name in list(fields)[:_KEYS_REMEMBERED]:
                if name in facts.keys or len(facts.keys) < _KEYS_REMEMBERED:
                    facts.keys[name] = facts.keys.get(name, 0) + 1
            found = "no such key"
        else:
            found = kind_of(text)
        return BadRecord("no_text", f"expected a string {key!r}, found {found}", record.line, record.offset)
    if not text or text.isspace():
        return BadRecord("empty_text", f"{key!r} holds no character but space", record.line, record.offset)
    if not is_well_formed(text):
        detail = "half of a surrogate pair (such as \\ud83d alone), which is no character"
        return BadRecord("lone_surrogate", detail, record.line, record.offset)
    if _JUNK.search(text) and len(_JUNK.findall(text)) > max(4, _MAX_JUNK_SHARE * len(text)):
        detail = f"over {_MAX_JUNK_SHARE:.0%} of the characters are control characters or U+FFFD"
        return BadRecord("broken_characters", detail, record.line, record.offset)
    given = fields.get(options.id_key)
    known = isinstance(given, (str, int)) and not isinstance(given, bool) and given != "" and is_well_formed(str(given))
    identity = str(given) if known else f"{source}:{record.number}"
    if ours:
        return Document(identity, text, fields.get("source") or source, json.loads(fields.get("meta") or "{}"))
    meta = {name: value for name, value in fields.items() if name != key and not (name == options.id_key and known)}
    return Document(identity, text, source, _json_values(meta) if meta else meta)


def is_well_formed(text: str) -> bool:
    """Tell whether a string is valid Unicode: UTF-8 can hold it."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_values(meta: dict[str, Any]) -> dict[str, Any]:
    """Return meta with values that JSON and UTF-8 can hold (Parquet has dates, bytes and others)."""
    try:
        if is_well_formed(json.dumps(meta, ensure_ascii=False)):
            return meta
    except (TypeError, ValueError):
        pass
    return json.loads(json.dumps(meta, ensure_ascii=False, default=str).encode("utf-8", "replace"))
