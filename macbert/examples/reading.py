"""Token documents as addresses that a kernel reads in place: no copy of the corpus, no Python call for a row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenizer.addresses import address_of
from tokenizer.documents import TokenDocuments, TokenMemory


class TokenTable(NamedTuple):
    """Where the tokens lie: chunk c holds the documents from ``first_document[c]`` on, back to back.

    The arrays behind the addresses must outlive the table: :class:`TokenSource` holds both.
    """

    first_document: NDArray[np.int64]
    """(C + 1,) number of a chunk's first document."""

    bounds: NDArray[np.int64]
    """(C,) address of int32: document d of a chunk is ``bounds[d]:bounds[d + 1]`` of its tokens."""

    tokens: NDArray[np.int64]
    """(C,) tokens of the chunk."""

    ids: NDArray[np.int64]
    """(C,) address of uint16 (``wide`` 0) or uint32 (1) token ids."""

    wide: NDArray[np.uint8]
    words: NDArray[np.int64]
    """(C,) address of bits, least significant first: a token begins a word."""

    word_bit: NDArray[np.int64]
    """(C,) bit of the chunk's first token."""

    sentences: NDArray[np.int64]
    """The same for sentences."""

    sentence_bit: NDArray[np.int64]


class TokenSource:
    """The :class:`TokenTable` of token documents, and what keeps its memory alive."""

    def __init__(self, documents: TokenDocuments) -> None:
        self.documents = documents
        self._build()

    def _build(self) -> None:
        mapped = isinstance(self.documents, TokenDocuments)
        chunks = self.documents.memory() if mapped else [_in_memory(self.documents)]
        self._kept_alive = chunks
        first = np.cumsum([0, *(len(chunk.bounds) - 1 for chunk in chunks)])
        self.table = TokenTable(
            first_document=first.astype(np.int64),
            bounds=_addresses([chunk.bounds for chunk in chunks]),
            tokens=np.array([chunk.bounds[-1] for chunk in chunks], np.int64),
            ids=_addresses([chunk.ids for chunk in chunks]),
            wide=np.array([chunk.ids.dtype.itemsize == 4 for chunk in chunks], np.uint8),
            words=_addresses([chunk.words for chunk in chunks]),
            word_bit=np.array([chunk.word_bit for chunk in chunks], np.int64),
            sentences=_addresses([chunk.sentences for chunk in chunks]),
            sentence_bit=np.array([chunk.sentence_bit for chunk in chunks], np.int64),
        )

    def __getstate__(self) -> dict[str, Any]:
        # Addresses mean nothing in another process.
        return {"documents": self.documents}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.documents = state["documents"]
        self._build()


def _in_memory(documents: Any) -> TokenMemory:
    """Return a copy of documents that are not mapped from files."""
    parts = [documents.document(number) for number in range(len(documents))]
    columns: list[NDArray] = [
        np.concatenate([np.zeros(0, dtype), *(part[column] for part in parts)]).astype(dtype)
        for column, dtype in enumerate((np.uint32, np.bool_, np.bool_))
    ]
    bounds = np.cumsum([0, *(len(part[0]) for part in parts)]).astype(np.int32)
    # Never empty: an empty array's address may be nothing at all.
    words, sentences = (np.append(np.packbits(bits, bitorder="little"), np.uint8(0)) for bits in columns[1:])
    return TokenMemory(bounds, np.append(columns[0], np.uint32(0)), words, 0, sentences, 0)


def _addresses(arrays: list[NDArray]) -> NDArray[np.int64]:
    return np.array([*map(address_of, arrays)], np.int64)
