"""Lines that stand in many documents: navigation, notices, copied paragraphs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus.dedup.exact import HIGH, gather_rows
from corpus.dedup.groups import equal_key_groups
from corpus.tables import TableWriter, open_table


class LineWriter:
    """Writes (line hash, row of the document in its file) for each document's lines while a file is cleaned."""

    def __init__(self, settings: dict[str, Any], table: TableWriter) -> None:
        self._min, self._max = settings["min_chars"], settings["max_chars"]
        self._table = table

    def add(self, row: int, text: str) -> None:
        """Note the lines of a document: each once, if it has the length that is asked for."""
        for key in sorted(
            {line_hash(line) for line in text.split("\n") if self._min <= len(line.strip()) <= self._max}
        ):
            self._table.write(key.to_bytes(8, "little") + row.to_bytes(8, "little"))


def line_hash(line: str) -> int:
    """Return a line's 64-bit hash, white space around it and letter case left out."""
    return int.from_bytes(hashlib.blake2b(line.strip().lower().encode(), digest_size=8).digest(), "little")


def decide_lines(folders: Sequence[Path], name: str, settings: dict[str, Any], memory: int) -> int:
    """Write into each file's folder ``cut.npy``, the (entries, 2) of lines to cut; return how many there are.

    Args:
        folders: cleaned files with ``lines.u64`` and ``keys.u64``.
        name: ``boilerplate_lines`` cuts a line from every document where ``min_documents`` have it; ``line_dedup``
            leaves it in one document, the one with the smallest text hash, whatever the order of files.
        memory: bytes to stay under.
    """
    entries = [open_table(folder / "lines.u64", 2) for folder in folders]
    keys = [open_table(folder / "keys.u64", 4) for folder in folders]
    first_entries = np.concatenate([[0], np.cumsum([len(part) for part in entries])]).astype(np.int64)
    first_rows = np.concatenate([[0], np.cumsum([len(part) for part in keys])]).astype(np.int64)
    cut = np.zeros(int(first_entries[-1]), dtype=np.bool_)
    for members, starts in equal_key_groups(_read(entries, first_entries), len(cut), memory):
        sizes = np.diff(starts)
        if name == "boilerplate_lines":
            cut[members] = np.repeat(sizes >= settings["min_documents"], sizes)
            continue
        file = np.searchsorted(first_entries, members, side="right") - 1
        rows = np.empty(len(members), dtype=np.int64)
        for number in np.unique(file):
            here = file == number
            rows[here] = first_rows[number] + entries[number][members[here] - first_entries[number], 1].astype(np.int64)
        text_hash = gather_rows(keys, [int(row) for row in first_rows[:-1]], rows)[:, HIGH]
        order = np.lexsort((rows, text_hash, np.repeat(np.arange(len(sizes)), sizes)))
        cut[members[order]] = True
        cut[members[order][starts[:-1]]] = False
    for folder, part, start in zip(folders, entries, first_entries[:-1], strict=True):
        np.save(folder / "cut.npy", part[cut[start : start + len(part)]])
    return int(cut.sum())


def _read(
    entries: Sequence[np.ndarray], first_entries: np.ndarray
) -> Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]:
    def read() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for part, first in zip(entries, first_entries, strict=False):
            yield np.ascontiguousarray(part[:, 0]), np.arange(first, first + len(part), dtype=np.int64)

    return read


class LineCutter:
    """Takes the lines to cut out of a file's documents."""

    def __init__(self, path: Path) -> None:
        entries = np.load(path)
        self._hashes = entries[:, 0]
        self._rows = entries[:, 1].astype(np.int64)  # in the order of the documents

    def cut(self, row: int, text: str) -> str:
        """Return the text of the document at a row without its lines to cut."""
        start, end = np.searchsorted(self._rows, [row, row + 1])
        if start == end:
            return text
        away = {int(key) for key in self._hashes[start:end]}
        return "\n".join(line for line in text.split("\n") if line_hash(line) not in away).strip()
