"""Records that did not make it into the corpus, kept by reason as JSON lines."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from corpus.manifest import canonical_json

_NAME = re.compile(r"[^0-9A-Za-z_.-]")


def folder_of(reason: str) -> str:
    """Return the name of the folder that keeps the records of a reason."""
    return _NAME.sub("_", reason) or "unnamed"


class RejectWriter:
    """Appends records to ``folder/<reason>/<name>.jsonl``; a file exists only where there is something to write."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._files: dict[str, IO[str]] = {}
        self.rows: dict[str, int] = {}

    def write(self, reason: str, record: dict[str, Any]) -> None:
        """Add a record under a reason."""
        reason = folder_of(reason)
        file = self._files.get(reason)
        if file is None:
            folder = self._folder / reason
            folder.mkdir(parents=True, exist_ok=True)
            file = self._files[reason] = open(folder / f"{self._name}.jsonl", "a", encoding="utf-8", newline="\n")  # noqa: SIM115
            self.rows[reason] = 0
        file.write(canonical_json(record) + "\n")
        self.rows[reason] += 1

    def __enter__(self) -> RejectWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
