"""Arrow arrays from their memory and back: ``pa.array()`` and ``to_numpy()`` import pandas, 0.2 s of every process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def values(kind: pa.DataType, memory: NDArray, length: int) -> pa.Array:
    """Return an array of fixed width (for booleans: bits, least significant first) over its memory."""
    return pa.Array.from_buffers(kind, length, [None, pa.py_buffer(memory)])


def booleans(mask: NDArray[np.bool_]) -> pa.Array:
    """Return an array of booleans."""
    return values(pa.bool_(), np.packbits(mask, bitorder="little"), len(mask))


def lists(bounds: NDArray[np.int32], items: pa.Array) -> pa.Array:
    """Return an array of lists: list i holds ``items[bounds[i]:bounds[i + 1]]``."""
    buffers = [None, pa.py_buffer(bounds)]
    return pa.Array.from_buffers(pa.list_(items.type), len(bounds) - 1, buffers, children=[items])


def strings(texts: Sequence[str]) -> pa.Array:
    """Return an array of strings.

    Raises:
        pa.ArrowCapacityError: they take 2 GiB or more together.
    """
    encoded = [text.encode() for text in texts]
    bounds = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=bounds[1:])
    if bounds[-1] >= 1 << 31:
        raise pa.ArrowCapacityError(f"{bounds[-1]:,} bytes of text in one batch; at most 2,147,483,647 fit")
    buffers = [None, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def numbers(array: pa.Array) -> NDArray:
    """Return an array of numbers without nulls as a view."""
    dtype = np.dtype(str(array.type))
    if len(array) == 0:
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)
