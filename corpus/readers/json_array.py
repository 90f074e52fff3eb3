"""A JSON file: an array of objects, one object, or (as many data sets have it) JSON lines under the name ``.json``."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

from corpus.readers.compression import ByteStream
from corpus.readers.encoding import bom, detect_encoding
from corpus.readers.json_lines import kind_of, read_json_lines
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record, TruncatedInput

_BLOCK = 1 << 20
_SKIPPED = " \t\r\n,"


def read_json(stream: ByteStream, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield the objects of a JSON file one by one, without holding the file.

    Places are lines of an element's first character. An element longer than ``options.max_record_bytes`` ends the
    reading with ``too_long``.
    """
    replay = _Replay(stream)
    sample = replay.peek(_BLOCK)
    encoding = detect_encoding(sample)
    mark = bom(sample)
    text = sample[mark[1] if mark else 0 :].decode(encoding, errors="replace").lstrip()
    if not text.startswith("[") and _first_line_is_an_object(text):
        yield from read_json_lines(replay, options, facts)
        return
    yield from _elements(replay, options, facts, encoding)


def _first_line_is_an_object(text: str) -> bool:
    line, _, rest = text.partition("\n")
    try:
        return isinstance(json.loads(line), dict) and bool(rest.strip())
    except ValueError:
        return False


def _elements(replay: _Replay, options: ReaderOptions, facts: FileFacts, encoding: str) -> Iterator[Record | BadRecord]:
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)(errors="strict")
    parse = json.JSONDecoder().raw_decode
    buffer, at, line, count, ended = "", 0, 1, 0, False
    in_array: bool | None = None
    while True:
        while at < len(buffer) and (buffer[at] in _SKIPPED or buffer[at] == "\ufeff"):
            line += buffer[at] == "\n"
            at += 1
        if at < len(buffer) and in_array is None:
            in_array = buffer[at] == "["
            at += in_array
            continue
        if at < len(buffer) and buffer[at] == "]" and in_array:
            return
        value: Any = None
        parsed = False
        if at < len(buffer):
            try:
                value, end = parse(buffer, at)
                parsed = end < len(buffer) or ended  # a number or word at the end of the block may go on
            except (ValueError, RecursionError):
                if len(buffer) - at > options.max_record_bytes:
                    yield BadRecord("too_long", f"an element over {options.max_record_bytes} bytes, or broken", line)
                    return
        if parsed:
            count += 1
            if isinstance(value, dict):
                facts.encodings[encoding] = facts.encodings.get(encoding, 0) + 1
                yield Record(value, line, None, count)
            else:
                yield BadRecord("not_an_object", f"expected an object, got {kind_of(value)}", line)
            line += buffer.count("\n", at, end)
            at = end
            continue
        if ended:
            if at < len(buffer) or in_array:
                yield BadRecord("truncated" if in_array else "broken_json", "the JSON ends before it is complete", line)
            return
        # Double what is held each time, so that a long element is not parsed again for every block.
        wanted = max(_BLOCK, len(buffer) - at)
        try:
            blocks = replay.read_at_least(wanted)
            ended = not blocks
            buffer, at = buffer[at:] + decoder.decode(blocks, final=ended), 0
        except TruncatedInput as error:
            yield BadRecord("truncated", str(error), line)
            return
        except UnicodeDecodeError as error:
            yield BadRecord("undecodable", f"not {encoding}: {error.reason}", line)
            return


class _Replay:
    """A stream whose beginning can be looked at first."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream, self._head = stream, b""

    def peek(self, size: int) -> bytes:
        while len(self._head) < size:
            try:
                block = self._stream.read(size - len(self._head))
            except TruncatedInput:
                break
            if not block:
                break
            self._head += block
        return self._head

    def read(self, size: int, /) -> bytes:
        if self._head:
            taken, self._head = self._head[:size], self._head[size:]
            return taken
        return self._stream.read(size)

    def read_at_least(self, size: int) -> bytes:
        parts, have = [], 0
        while have < size and (block := self.read(_BLOCK)):
            parts.append(block)
            have += len(block)
        return b"".join(parts)

    def close(self) -> None:
        self._stream.close()
