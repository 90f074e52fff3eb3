"""Parts of a large text file, cut between records, so that several workers can read it.

Where a file is cut depends on its bytes and the size asked for alone, and each part knows the line it starts at and the
encoding of the whole file: read one after the other, parts give the documents that the file gives.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from corpus.readers.compression import SUFFIXES, ByteStream
from corpus.readers.encoding import detect_encoding
from corpus.readers.records import Part

_BLOCK = 1 << 20
_LINE_END = re.compile(rb"\n")
_BLANK_LINE = re.compile(rb"\n[ \t\r]{0,64}\n")
_LONGEST_CUT = 66


def parts_of(path: str | Path, format: str, txt_unit: str, part_bytes: int) -> list[Part | None]:
    """Return the parts of a JSON lines or plain text file, or ``[None]`` where it is read whole.

    Whole are files of at most ``part_bytes``, compressed ones, and UTF-16, UTF-32 and HZ, whose bytes alone do not tell
    where a line ends. Text is cut at line ends, or at blank lines where those separate documents.
    """
    size = os.path.getsize(path)
    cut = {"line": _LINE_END, "blank-line": _BLANK_LINE}.get("line" if format == "jsonl" else txt_unit)
    if format not in ("jsonl", "txt") or Path(path).suffix.lower() in SUFFIXES or cut is None or size <= part_bytes:
        return [None]
    parts: list[Part | None] = []
    with open(path, "rb") as stream:
        encoding = detect_encoding(stream.read(_BLOCK))
        if encoding.startswith(("utf-16", "utf-32", "hz")):
            return [None]
        start, line = 0, 1
        while start < size:
            end = _first_cut(stream, start + part_bytes, cut, size)
            parts.append(Part(start, end, line, encoding))
            line += sum(block.count(b"\n") for block in _blocks(stream, start, end)) if end < size else 0
            start = end
    return parts


def _first_cut(stream: BinaryIO, at: int, cut: re.Pattern[bytes], size: int) -> int:
    """Return where the first record starts that begins after ``at``, or the size of the file."""
    held = b""
    for block in _blocks(stream, min(at, size), size):
        held = held[-_LONGEST_CUT:] + block
        if (match := cut.search(held)) is not None:
            return at + match.end()
        at += len(held) - min(_LONGEST_CUT, len(held))
    return size


def _blocks(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < end and (block := stream.read(min(_BLOCK, end - start))):
        start += len(block)
        yield block


@dataclasses.dataclass
class _PartStream:
    stream: BinaryIO
    left: int

    def read(self, size: int, /) -> bytes:
        block = self.stream.read(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(block)
        return block

    def close(self) -> None:
        self.stream.close()


def open_part(path: str | Path, part: Part) -> ByteStream:
    """Open a part of a file for reading."""
    stream = open(path, "rb")  # noqa: SIM115
    stream.seek(part.start)
    return _PartStream(stream, part.end - part.start)
