"""CSV and TSV with a header line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Literal

from corpus.readers.compression import ByteStream
from corpus.readers.lines import text_lines
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record


def read_csv(stream: ByteStream, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield the rows of a comma-separated file as records by column name; quoted fields may hold line ends."""
    yield from _rows(stream, options, facts, delimiter=",", quoting=csv.QUOTE_MINIMAL)


def read_tsv(stream: ByteStream, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield the rows of a tab-separated file as records by column name; quotation marks are text."""
    yield from _rows(stream, options, facts, delimiter="\t", quoting=csv.QUOTE_NONE)


def _rows(
    stream: ByteStream, options: ReaderOptions, facts: FileFacts, *, delimiter: str, quoting: Literal[0, 3]
) -> Iterator[Record | BadRecord]:
    bad: list[BadRecord] = []
    number, encoding = 0, "utf-8"

    def lines() -> Iterator[str]:
        nonlocal number, encoding
        for line in text_lines(stream, facts, options.max_record_bytes):
            if isinstance(line, BadRecord):
                bad.append(line)
                continue
            number, encoding = line.number, line.encoding
            yield line.text + "\n"

    # A stray quotation mark would make the rest of the file one field; the module's limit turns that into an error.
    csv.field_size_limit(min(options.max_record_bytes, 2**31 - 1))
    rows = csv.reader(lines(), delimiter=delimiter, quoting=quoting)
    header: list[str] | None = None
    count = 0
    while True:
        before = number
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield from bad
            bad.clear()
            count += 1
            yield BadRecord("broken_row", str(error), before + 1)
            continue
        yield from bad
        bad.clear()
        if row is None:
            return
        if not row:
            continue
        if header is None:
            header = row
            continue
        count += 1
        if len(row) != len(header):
            yield BadRecord("broken_row", f"expected {len(header)} columns, found {len(row)}", before + 1)
            continue
        facts.encodings[encoding] = facts.encodings.get(encoding, 0) + 1
        yield Record(dict(zip(header, row, strict=True)), before + 1, None, count)
