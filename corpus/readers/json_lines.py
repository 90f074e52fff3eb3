"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from corpus.readers.compression import ByteStream
from corpus.readers.lines import text_lines
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record

_KINDS = {dict: "an object", list: "a list", str: "a string", int: "a number", float: "a number", bool: "a boolean"}


def kind_of(value: object) -> str:
    """Return what a JSON value is, for messages: ``a list``, ``null``."""
    return _KINDS.get(type(value), "null")


def read_json_lines(stream: ByteStream, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield one record a line; blank lines are no records.

    A broken last line without a line end is ``truncated``: its writer was stopped.
    """
    for line in text_lines(stream, facts, options.max_record_bytes, options.part):
        if isinstance(line, BadRecord):
            yield line
            continue
        if not line.text or line.text.isspace():
            continue
        try:
            value = json.loads(line.text)
        except (ValueError, RecursionError) as error:
            detail = f"not JSON: {getattr(error, 'msg', 'nested too deep')} (column {getattr(error, 'colno', 1)})"
            yield BadRecord("broken_json" if line.ended else "truncated", detail, line.number, line.offset)
            continue
        if not isinstance(value, dict):
            yield BadRecord("not_an_object", f"expected an object, got {kind_of(value)}", line.number, line.offset)
            continue
        facts.encodings[line.encoding] = facts.encodings.get(line.encoding, 0) + 1
        yield Record(value, line.number, line.offset, line.number)
