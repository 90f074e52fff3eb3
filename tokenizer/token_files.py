"""Token documents as Arrow files in a folder that ``datasets.load_from_disk`` reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.arrow_memory import booleans, lists, values

# Documents in a record batch: some 100 KB, so that a reader touches few pages for one document.
BATCH_DOCUMENTS = 1000


def id_type(vocab_size: int) -> pa.DataType:
    """Return uint16 where the ids fit, else uint32."""
    return pa.uint16() if vocab_size <= 1 << 16 else pa.uint32()


def schema(vocab_size: int) -> pa.Schema:
    """Return the columns of a token document, with the ``datasets`` library's own description in the metadata."""
    fields = {
        "input_ids": pa.list_(id_type(vocab_size)),
        "word_starts": pa.list_(pa.bool_()),
        "sentence_starts": pa.list_(pa.bool_()),
        "source": pa.uint16(),
    }
    described = json.dumps({"info": {"features": features(vocab_size)}})
    return pa.schema(list(fields.items()), metadata={"huggingface": described})


def features(vocab_size: int) -> dict[str, object]:
    """Return the ``datasets`` library's JSON description of the columns."""

    def listed(kind: str) -> dict[str, object]:
        return {"feature": {"dtype": kind, "_type": "Value"}, "_type": "List"}

    return {
        "input_ids": listed(str(id_type(vocab_size))),
        "word_starts": listed("bool"),
        "sentence_starts": listed("bool"),
        "source": {"dtype": "uint16", "_type": "Value"},
    }


class TokenFileWriter:
    """Writes documents to one Arrow stream file; the same documents give the same bytes."""

    def __init__(self, path: str | Path, vocab_size: int) -> None:
        self._schema = schema(vocab_size)
        self._dtype = np.dtype(str(id_type(vocab_size)))
        self._stream = pa.ipc.new_stream(str(path), self._schema)
        self._waiting: list[tuple[NDArray, NDArray, NDArray, int]] = []
        self.documents = self.tokens = 0

    def add(
        self,
        input_ids: NDArray[np.int32],
        word_starts: NDArray[np.bool_],
        sentence_starts: NDArray[np.bool_],
        source: int,
    ) -> None:
        """Add one document; its arrays must not change afterwards."""
        self._waiting.append((input_ids, word_starts, sentence_starts, source))
        self.documents += 1
        self.tokens += len(input_ids)
        if len(self._waiting) == BATCH_DOCUMENTS:
            self._flush()

    def __enter__(self) -> TokenFileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._waiting:
            self._flush()
        self._stream.close()

    def _flush(self) -> None:
        ids, words, sentences, sources = zip(*self._waiting, strict=True)
        self._waiting = []
        bounds = np.cumsum([0, *map(len, ids)], dtype=np.int32)
        flat = np.concatenate(ids).astype(self._dtype)
        columns = [
            lists(bounds, values(self._schema.field("input_ids").type.value_type, flat, len(flat))),
            lists(bounds, booleans(np.concatenate(words))),
            lists(bounds, booleans(np.concatenate(sentences))),
            values(pa.uint16(), np.array(sources, np.uint16), len(sources)),
        ]
        self._stream.write_batch(pa.record_batch(columns, schema=self._schema))


def write_dataset_files(folder: Path, names: Sequence[str], hashes: Sequence[str], vocab_size: int) -> None:
    """Make a folder of Arrow files one that ``datasets.load_from_disk`` opens: state.json and dataset_info.json."""
    fingerprint = hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16]
    state: dict[str, object] = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": "train",
    }
    info = {"citation": "", "description": "", "features": features(vocab_size), "homepage": "", "license": ""}
    for name, value in (("state.json", state), ("dataset_info.json", info)):
        (folder / name).write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
