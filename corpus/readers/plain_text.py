"""Plain text: documents separated by blank lines, one document a line, or one document a file."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.readers.compression import ByteStream
from corpus.readers.lines import Line, text_lines
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record


def read_plain_text(stream: ByteStream, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield documents as ``options.txt_unit`` says: ``blank-line`` (BERT's way), ``line`` or ``file``.

    A document longer than ``options.max_record_bytes`` goes to quarantine whole, and is not held.
    """
    unit = options.txt_unit
    held: list[Line] = []
    size, too_long = 0, False

    def finish() -> Record | BadRecord:
        first = held[0]
        if too_long:
            detail = f"a document of {size} bytes or more (the limit is {options.max_record_bytes})"
            return BadRecord("too_long", detail, first.number, first.offset)
        for name in {line.encoding for line in held}:
            facts.encodings[name] = facts.encodings.get(name, 0) + 1
        return Record({"text": "\n".join(line.text for line in held)}, first.number, first.offset, first.number)

    for line in text_lines(stream, facts, options.max_record_bytes, options.part):
        if isinstance(line, BadRecord):
            yield line
            continue
        blank = not line.text or line.text.isspace()
        if blank and unit != "file":
            if held:
                yield finish()
                held, size, too_long = [], 0, False
            continue
        if blank and not held:
            continue
        size += 3 * len(line.text) + 1
        if size > options.max_record_bytes and held:
            too_long = True
            del held[1:]
        else:
            held.append(line)
        if unit == "line":
            yield finish()
            held, size, too_long = [], 0, False
    if held:
        yield finish()
