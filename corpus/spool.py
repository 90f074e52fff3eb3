"""Documents between the stages of a build: an Arrow file per input file, read back a batch at a time."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.ipc

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
            self._writer.write(pa.record_batch(self._columns, schema=SCHEMA))
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
    """Reads a spool file: in order, or single rows by number."""

    def __init__(self, path: Path) -> None:
        self._file = pa.OSFile(str(path), "rb")
        self._reader = pyarrow.ipc.open_file(self._file)
        self._batch = functools.lru_cache(maxsize=4)(self._reader.get_batch)

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        sizes = [self._reader.get_batch(number).num_rows for number in range(self._reader.num_record_batches)]
        return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the record batches in order."""
        for number in range(self._reader.num_record_batches):
            yield self._reader.get_batch(number)

    def value(self, column: int, row: int) -> str:
        """Return one value: column 0 is the id, 1 the text, 2 the source, 3 the meta (JSON)."""
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        value: str = self._batch(number).column(column)[row - int(self._starts[number])].as_py()
        return value

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def documents_of(batch: pa.RecordBatch) -> Iterator[Document]:
    """Yield a record batch's rows as documents."""
    columns = [batch.column(number).to_pylist() for number in range(4)]
    for identity, text, source, meta in zip(*columns, strict=True):
        yield Document(identity, text, source, json.loads(meta) if meta != "{}" else {})
