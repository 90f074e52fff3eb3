"""``log.jsonl``: one JSON object a line, in the order of steps, with no gap and no repetition after a resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.files import atomic_file

LOG_NAME = "log.jsonl"


class Journal:
    """Appends lines; a kill leaves at most one torn line, which the next start drops with the steps it repeats."""

    def __init__(self, folder: str | Path, *, keep_until: int) -> None:
        """Open ``folder/log.jsonl`` and drop what a run that goes on from step ``keep_until`` will write again."""
        self.path = Path(folder) / LOG_NAME
        lines = [line for line in read_journal(folder) if line["step"] <= keep_until]
        with atomic_file(self.path) as stream:
            stream.writelines(_line(entry) for entry in lines)
        self._stream = open(self.path, "a", encoding="utf-8", newline="\n")  # noqa: SIM115

    def write(self, entry: dict[str, Any]) -> None:
        """Append one object and hand it to the operating system."""
        self._stream.write(_line(entry))
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def read_journal(folder: str | Path) -> list[dict[str, Any]]:
    """Return the lines of a run's log; a torn last line is left out."""
    path = Path(folder) / LOG_NAME
    if not path.is_file():
        return []
    entries = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "step" in entry:
            entries.append(entry)
    return entries


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n"
