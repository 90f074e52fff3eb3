"""Tables of 64-bit numbers on disk: appended row by row, read by memory map, so they take no memory of ours."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np


class TableWriter:
    """Appends rows of ``columns`` uint64 to a file."""

    def __init__(self, path: Path, columns: int) -> None:
        self._stream = open(path, "wb")  # noqa: SIM115
        self._bytes = 8 * columns

    def write(self, row: bytes) -> None:
        """Append a row, given as its bytes in this machine's order."""
        assert len(row) == self._bytes
        self._stream.write(row)

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def open_table(path: Path, columns: int) -> np.ndarray:
    """Return a table as a read-only (rows, columns) uint64 array that stays on disk."""
    if path.stat().st_size == 0:
        return np.empty((0, columns), dtype=np.uint64)
    return np.memmap(path, dtype=np.uint64, mode="r").reshape(-1, columns)
