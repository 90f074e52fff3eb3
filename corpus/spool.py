"""Documents between the stages of a build: an Arrow file per input file, read back a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from corpus.arrow_memory import strings
from corpus.document import Document
from corpus.manifest import canonical_json

SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "text", "source", "meta")])

BATCH_ROWS = 1024
BATCH_CHARACTERS = 1 << 21


class SpoolWriter:
    """Writes documents to an Arrow file in batches of at most 1,024 documents or about 2 million characters."""

    def __init__(self, path: Path) -> None:
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pyarrow.ipc.new_file(self._sink, SCHEMA)
        self._columns: list[list[str]] = [[], [], [], []]
        self._characters = 0

    def write(self, document: Document) -> None:
        """Add a document."""
        meta = canonical_json(document.meta) if document.meta else "{}"
        row = (document.id, document.text, document.source, meta)
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
        self._characters += len(document.text) + len(meta)
        if len(self._columns[0]) >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        if self._columns[0]:
            self._writer.write(pa.record_batch([strings(column) for column in self._columns], schema=SCHEMA))
        self._columns, self._characters = [[], [], [], []], 0

    def __enter__(self) -> SpoolWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
                self._writer.close()
        finally:
            self._sink.close()


class Spool:
    """Reads a spool file in order; batches are loaded one at a time."""

    def __init__(self, path: Path, columns: list[int] | None = None) -> None:
        """Open a file, with all its columns or with some (0 is the id, 1 the text, 2 the source, 3 the meta)."""
        self._file = pa.OSFile(str(path), "rb")
        options = pyarrow.ipc.IpcReadOptions(included_fields=columns)
        self._reader = pyarrow.ipc.open_file(self._file, options=options)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the record batches in order."""
        for number in range(self._reader.num_record_batches):
            yield self._reader.get_batch(number)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def ids_of(path: Path, rows: np.ndarray) -> list[str]:
    """Return the ids of some rows, given in ascending order, in one pass over the ids alone."""
    spool = Spool(path, columns=[0])
    found: list[str] = []
    first = 0
    for batch in spool.batches():
        here = rows[len(found) :]
        here = here[: np.searchsorted(here, first + batch.num_rows)]
        if len(here):
            ids = batch.column(0)
            found += [ids[row].as_py() for row in (here - first).tolist()]
        first += batch.num_rows
        if len(found) == len(rows):
            break
    spool.close()
    return found


def documents_of(batch: pa.RecordBatch) -> Iterator[Document]:
    """Yield a record batch's rows as documents."""
    columns = [batch.column(number).to_pylist() for number in range(4)]
    for identity, text, source, meta in zip(*columns, strict=True):
        yield Document(identity, text, source, json.loads(meta) if meta != "{}" else {})
