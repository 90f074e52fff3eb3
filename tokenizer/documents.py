"""Token documents read from disk: memory-mapped, so a corpus larger than memory opens at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.arrow_memory import numbers
from corpus.errors import UserError


class _Batch:
    """One record batch as numpy views; the bits of the two masks are unpacked where they are asked for."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        ids = batch.column("input_ids")
        self.offsets = numbers(ids.offsets)
        self.ids = numbers(ids.values)
        self.words, self.sentences = batch.column("word_starts"), batch.column("sentence_starts")
        self.source = numbers(batch.column("source"))

    def word_starts(self, start: int, stop: int) -> NDArray[np.bool_]:
        return _bits(self.words, start, stop)

    def sentence_starts(self, start: int, stop: int) -> NDArray[np.bool_]:
        return _bits(self.sentences, start, stop)


class TokenMemory(NamedTuple):
    """Consecutive documents as they lie in memory, for compiled code; all arrays are views."""

    bounds: NDArray[np.int32]
    """(documents + 1,): document d is ``bounds[d]:bounds[d + 1]`` of the tokens."""

    ids: NDArray
    """uint16 or uint32 token ids."""

    words: NDArray[np.uint8]
    """Bits, least significant first: a token begins a word."""

    word_bit: int
    """Bit of the first token."""

    sentences: NDArray[np.uint8]
    sentence_bit: int


class TokenDocuments:
    """The documents of a folder that ``macbert tokenizer encode`` wrote (or its ``heldout`` folder).

    Attributes:
        lengths: (n,) int32 tokens of each document.
        source: (n,) uint16 index into the manifest's ``sources``.
        fingerprint: identifies the contents, the same on any machine.
    """

    def __init__(self, batches: list[_Batch], fingerprint: str) -> None:
        self._batches = batches
        self.fingerprint = fingerprint
        sizes = [len(batch.source) for batch in batches]
        self._first = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)
        self.lengths = _joined([np.diff(batch.offsets) for batch in batches], np.int32)
        self.source = _joined([batch.source for batch in batches], np.uint16)

    def __len__(self) -> int:
        return int(self._first[-1])

    @classmethod
    def open(cls, folder: str | Path) -> TokenDocuments:
        """Open a folder of the ``datasets`` library that has our columns.

        Raises:
            UserError: it is no such folder, or a file of it is missing or damaged.
        """
        folder = Path(folder)
        state = folder / "state.json"
        expected = "a folder of token documents (state.json)"
        fix = "run 'macbert tokenizer encode'"
        if not state.is_file():
            found = "a folder without it" if folder.is_dir() else "no folder"
            raise UserError.at(folder, expected=expected, found=found, fix=fix)
        data = json.loads(state.read_text(encoding="utf-8"))
        files = [folder / entry["filename"] for entry in data["_data_files"]]
        return cls.from_files(files, data["_fingerprint"])

    @classmethod
    def from_files(cls, files: Sequence[str | Path], fingerprint: str = "") -> TokenDocuments:
        """Open Arrow stream files in order."""
        batches = []
        for file in files:
            try:
                reader = pa.ipc.open_stream(pa.memory_map(str(file)))
                missing = {"input_ids", "word_starts", "sentence_starts", "source"} - {*reader.schema.names}
                if missing:
                    raise pa.ArrowInvalid(f"columns without {', '.join(sorted(missing))}")
                batches += [_Batch(batch) for batch in reader]
            except (FileNotFoundError, pa.ArrowInvalid) as error:
                raise UserError.at(
                    file, expected="token documents", found=str(error), fix="encode the corpus again"
                ) from None
        return cls(batches, fingerprint)

    def document(self, number: int) -> tuple[NDArray, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return a document's input_ids (a view), word_starts and sentence_starts, each (tokens,)."""
        batch, start, stop = self._place(number)
        return batch.ids[start:stop], batch.word_starts(start, stop), batch.sentence_starts(start, stop)

    def slice(self, number: int, start: int, stop: int) -> tuple[NDArray, NDArray[np.bool_]]:
        """Return input_ids (a view) and word_starts of a document's tokens ``start:stop``."""
        batch, first, end = self._place(number)
        assert 0 <= start <= stop <= end - first
        return batch.ids[first + start : first + stop], batch.word_starts(first + start, first + stop)

    def batches(self) -> Iterator[tuple[NDArray, NDArray[np.bool_]]]:
        """Yield input_ids and word_starts of some thousand documents at a time, flat and in order."""
        for batch in self._batches:
            start, stop = int(batch.offsets[0]), int(batch.offsets[-1])
            yield batch.ids[start:stop], batch.word_starts(start, stop)

    def memory(self) -> list[TokenMemory]:
        """Return where the tokens lie, in order, some thousand documents each: nothing is read or copied."""
        found = []
        for batch in self._batches:
            words, sentences = batch.words.values, batch.sentences.values
            bits = [np.frombuffer(column.buffers()[1], np.uint8) for column in (words, sentences)]
            found.append(TokenMemory(batch.offsets, batch.ids, bits[0], words.offset, bits[1], sentences.offset))
        return found

    def sentence_table(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return document_offsets (n + 1,) and sentence_lengths (S,) in tokens.

        Sentences of document i have lengths ``sentence_lengths[document_offsets[i]:document_offsets[i + 1]]``.
        """
        counts, lengths = [], []
        for batch in self._batches:
            start, stop = int(batch.offsets[0]), int(batch.offsets[-1])
            begins = np.flatnonzero(batch.sentence_starts(start, stop))
            lengths.append(np.diff(begins, append=stop - start))
            counts.append(np.diff(np.searchsorted(begins, batch.offsets - start)))
        offsets = np.concatenate([[0], np.cumsum(_joined(counts, np.int64))]).astype(np.int64)
        return offsets, _joined(lengths, np.int32)

    @cached_property
    def tokens(self) -> int:
        """Tokens of all documents."""
        return int(self.lengths.sum(dtype=np.int64))

    def _place(self, number: int) -> tuple[_Batch, int, int]:
        if not 0 <= number < len(self):
            raise IndexError(f"document {number} of {len(self)}")
        index = int(np.searchsorted(self._first, number, "right")) - 1
        batch = self._batches[index]
        row = number - int(self._first[index])
        return batch, int(batch.offsets[row]), int(batch.offsets[row + 1])


def _bits(column: pa.ListArray, start: int, stop: int) -> NDArray[np.bool_]:
    values = column.values
    start, stop = start + values.offset, stop + values.offset
    packed = np.frombuffer(values.buffers()[1], np.uint8)
    first = start // 8
    bits = np.unpackbits(packed[first : (stop + 7) // 8], bitorder="little")
    return bits[start - 8 * first : stop - 8 * first].view(np.bool_)


def _joined(parts: list[NDArray], dtype: type) -> NDArray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)
