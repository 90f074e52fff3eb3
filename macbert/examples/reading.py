"""Token documents as addresses that a kernel reads in place: no copy of the corpus, no Python call for a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizer import TokenDocuments


class TokenTable(NamedTuple):
    """Where the tokens lie: chunk c holds the documents from ``first_document[c]`` on, back to back.

    The arrays behind the addresses must outlive the table: :class:`TokenSource` holds both.
    """

    first_document: NDArray[np.int64]
    """(C + 1,) number of a chunk's first document."""

    bounds: NDArray[np.int64]
    """(C,) address of int32: document d of a chunk is ``bounds[d]:bounds[d + 1]`` of its tokens."""

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
        batches = getattr(self.documents, "_batches", None)
        chunks = [_in_memory(self.documents)] if batches is None else [_mapped(batch) for batch in batches]
        self._kept_alive = [array for chunk in chunks for array in chunk[:4]]
        first = np.cumsum([0, *(len(chunk[0]) - 1 for chunk in chunks)])
        self.table = TokenTable(
            first_document=first.astype(np.int64),
            bounds=_addresses([chunk[0] for chunk in chunks]),
            ids=_addresses([chunk[1] for chunk in chunks]),
            wide=np.array([chunk[1].dtype.itemsize == 4 for chunk in chunks], np.uint8),
            words=_addresses([chunk[2] for chunk in chunks]),
            word_bit=np.array([chunk[4] for chunk in chunks], np.int64),
            sentences=_addresses([chunk[3] for chunk in chunks]),
            sentence_bit=np.array([chunk[5] for chunk in chunks], np.int64),
        )

    def __getstate__(self) -> dict[str, Any]:
        # Addresses mean nothing in another process.
        return {"documents": self.documents}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.documents = state["documents"]
        self._build()


_Chunk = tuple[NDArray[np.int32], NDArray, NDArray[np.uint8], NDArray[np.uint8], int, int]


def _mapped(batch: Any) -> _Chunk:
    """Return one Arrow record batch in place."""
    words, sentences = batch.words.values, batch.sentences.values
    bits = (np.frombuffer(column.buffers()[1], np.uint8) for column in (words, sentences))
    word_bits, sentence_bits = bits
    return batch.offsets, batch.ids, word_bits, sentence_bits, words.offset, sentences.offset


def _in_memory(documents: TokenDocuments) -> _Chunk:
    """Return a copy of documents that are not mapped from files."""
    parts = [documents.document(number) for number in range(len(documents))]
    columns: list[NDArray] = [
        np.concatenate([np.zeros(0, dtype), *(part[column] for part in parts)]).astype(dtype)
        for column, dtype in enumerate((np.uint32, np.bool_, np.bool_))
    ]
    bounds = np.cumsum([0, *(len(part[0]) for part in parts)]).astype(np.int32)
    # Never empty: an empty array's address may be nothing at all.
    words, sentences = (np.append(np.packbits(bits, bitorder="little"), np.uint8(0)) for bits in columns[1:])
    return bounds, np.append(columns[0], np.uint32(0)), words, sentences, 0, 0


def _addresses(arrays: list[NDArray]) -> NDArray[np.int64]:
    assert all(array.flags.c_contiguous for array in arrays)
    return np.array([array.ctypes.data for array in arrays], np.int64)


@intrinsic
def _pointer(typing_context, address):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


@njit(cache=True, nogil=True)
def bounds_at(address, size):  # type: ignore[no-untyped-def]
    """Return the int32 array of this size at an address."""
    return carray(_pointer(address), size, np.int32)  # type: ignore[call-arg]


@njit(cache=True, nogil=True)
def narrow_ids_at(address, size):  # type: ignore[no-untyped-def]
    """Return the uint16 array of this size at an address."""
    return carray(_pointer(address), size, np.uint16)  # type: ignore[call-arg]


@njit(cache=True, nogil=True)
def wide_ids_at(address, size):  # type: ignore[no-untyped-def]
    """Return the uint32 array of this size at an address."""
    return carray(_pointer(address), size, np.uint32)  # type: ignore[call-arg]


@njit(cache=True, nogil=True)
def bytes_at(address, size):  # type: ignore[no-untyped-def]
    """Return the uint8 array of this size at an address."""
    return carray(_pointer(address), size, np.uint8)  # type: ignore[call-arg]
