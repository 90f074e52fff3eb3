r"""Lines of a byte stream with their places, in bounded memory.

Only ``\n`` ends a line (a carriage return before it is dropped): U+2028, U+0085 and vertical tabs are text.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from corpus.readers.compression import ByteStream
from corpus.readers.encoding import bom, decode_line, detect_encoding
from corpus.readers.mojibake import is_mojibake, undo_mojibake
from corpus.readers.records import BadRecord, FileFacts, Part, TruncatedInput

_BLOCK = 1 << 20


@dataclass(slots=True)
class Line:
    """One line's text without its end."""

    text: str
    number: int
    offset: int
    encoding: str
    """The encoding that this line was in."""

    ended: bool = True
    """False for a last line without its line end: whoever wrote it may have been stopped."""


def text_lines(
    stream: ByteStream, facts: FileFacts, max_bytes: int, part: Part | None = None
) -> Iterator[Line | BadRecord]:
    """Yield every line decoded, or the reason why it could not be.

    Args:
        stream: decompressed bytes.
        facts: where encodings and repairs are counted.
        max_bytes: a longer line is skipped without being held, and reported as ``too_long``.
        part: what of the file the stream holds; None: all of it.
    """
    head = _Head(stream)
    sample = head.peek(_BLOCK)
    encoding = part.encoding if part is not None else detect_encoding(sample)
    mark = bom(sample)
    if encoding.startswith(("utf-16", "utf-32")):
        head.replace(_to_utf8(head, encoding, skip=mark[1] if mark else 0))
        line_encoding = "utf-8"
    else:
        line_encoding = encoding
    number, offset = (part.first_line, part.start) if part is not None else (1, 0)
    for raw in _raw_lines(head, max_bytes, number, offset):
        if isinstance(raw, BadRecord):
            yield raw
            continue
        data, number, offset, ended = raw
        if number == 1 and data.startswith(codecs.BOM_UTF8):
            data = data[3:]
        try:
            text, used = decode_line(data, line_encoding)
        except UnicodeDecodeError as error:
            detail = f"no encoding reads it as Chinese (the file is {encoding}; byte {error.start} of the line)"
            yield BadRecord("undecodable" if ended else "truncated", detail, number, offset)
            continue
        if is_mojibake(text):
            repaired = undo_mojibake(text)
            if repaired is None:
                detail = "text that was decoded wrongly before it was saved, and cannot be undone"
                yield BadRecord("mojibake", detail, number, offset)
                continue
            text, used = repaired, f"{used}, mojibake undone"
        if used != line_encoding:
            facts.repaired += 1
        elif line_encoding != encoding:
            used = encoding
        yield Line(text, number, offset, used, ended)


class _Head:
    """A stream whose beginning can be looked at before it is read."""

    def __init__(self, stream: ByteStream) -> None:
        self._blocks: Iterator[bytes] = _blocks(stream)
        self._waiting: list[bytes] = []
        self._failure: TruncatedInput | None = None

    def peek(self, size: int) -> bytes:
        have = sum(map(len, self._waiting))
        while have < size and self._failure is None:
            try:
                block = next(self._blocks, b"")
            except TruncatedInput as error:
                self._failure = error
                break
            if not block:
                break
            self._waiting.append(block)
            have += len(block)
        return b"".join(self._waiting)

    def replace(self, blocks: Iterator[bytes]) -> None:
        self._waiting, self._failure, self._blocks = [], None, blocks

    def __iter__(self) -> Iterator[bytes]:
        while self._waiting:
            yield self._waiting.pop(0)
        if self._failure is not None:
            raise self._failure
        yield from self._blocks


def _blocks(stream: ByteStream) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _to_utf8(head: _Head, encoding: str, skip: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    waiting, head._waiting = head._waiting, []
    failure, rest = head._failure, head._blocks

    def blocks() -> Iterator[bytes]:
        first = b"".join(waiting)[skip:]
        yield decoder.decode(first).encode("utf-8", "surrogatepass")
        if failure is not None:
            raise failure
        for block in rest:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode()

    return blocks()


def _raw_lines(
    blocks: _Head, max_bytes: int, number: int, offset: int
) -> Iterator[tuple[bytes, int, int, bool] | BadRecord]:
    parts: list[bytes] = []
    held = 0
    skipping = False
    try:
        for block in blocks:
            start = 0
            while (end := block.find(b"\n", start)) >= 0:
                size = held + end - start
                if skipping or size > max_bytes:
                    yield BadRecord("too_long", f"a line of {size} bytes (the limit is {max_bytes})", number, offset)
                else:
                    parts.append(block[start:end])
                    line = b"".join(parts) if len(parts) > 1 else parts[0]
                    yield (line[:-1] if line.endswith(b"\r") else line), number, offset, True
                parts, held, skipping = [], 0, False
                offset += size + 1
                number += 1
                start = end + 1
            rest = block[start:] if start else block
            held += len(rest)
            if held > max_bytes:
                skipping, parts = True, []
            elif rest:
                parts.append(rest)
    except TruncatedInput as error:
        yield BadRecord("truncated", f"the compressed file is cut or damaged here: {error}", number, offset)
        return
    if skipping:
        yield BadRecord("too_long", f"a line of {held} bytes (the limit is {max_bytes})", number, offset)
    elif held:
        yield b"".join(parts), number, offset, False
