"""Parquet and Arrow files, read a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from corpus.errors import UserError
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record

_ROWS = 1024


def read_parquet(path: Path, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield the rows of a Parquet file as records by column name.

    Raises:
        UserError: it is not a Parquet file (a cut one has no footer, so nothing of it can be read).
    """
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pa.ArrowInvalid:
        fix = "copy or download the file again"
        raise UserError.at(path, expected="a Parquet file", found="a cut file or another format", fix=fix) from None
    with file:
        yield from _records(file.iter_batches(batch_size=_ROWS), facts)


def read_arrow(path: Path, options: ReaderOptions, facts: FileFacts) -> Iterator[Record | BadRecord]:
    """Yield the rows of an Arrow file (either IPC form: file or stream; ``datasets`` writes streams)."""
    with pa.OSFile(str(path), "rb") as source:
        try:
            batches = _ipc_batches(source)
            yield from _records(batches, facts)
        except pa.ArrowInvalid:
            fix = "copy or make the file again"
            raise UserError.at(path, expected="an Arrow file", found="a cut file or another format", fix=fix) from None


def _ipc_batches(source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    if source.read(6) == b"ARROW1":
        reader = pyarrow.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)
    else:
        source.seek(0)
        yield from pyarrow.ipc.open_stream(source)


def _records(batches: Iterator[pa.RecordBatch], facts: FileFacts) -> Iterator[Record]:
    count = 0
    for batch in batches:
        for first in range(0, batch.num_rows, _ROWS):
            for fields in batch.slice(first, _ROWS).to_pylist():
                count += 1
                facts.encodings["utf-8"] = facts.encodings.get("utf-8", 0) + 1
                yield Record(fields, None, None, count)
