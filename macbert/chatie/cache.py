"""Answers on disk, one JSON object a line, each written before anything else is asked: what was paid is never lost.

The file is the transcript too: messages, settings, answer, tokens, seconds, time.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from corpus.errors import UserError
from corpus.manifest import config_hash

ANSWERS_NAME = "answers.jsonl"


def check_cache(folder: str | Path) -> None:
    """Raise a UserError where answers cannot be kept."""
    if Path(folder).is_file():
        raise UserError.at("--cache", expected="a folder", found=f"{folder}, a file", fix="choose another --cache")


class AnswerCache:
    """Answers by the hash of what was asked; threads share one, and it may be opened again after a kill.

    Args:
        folder: made if it is not there; ``answers.jsonl`` in it is appended to.

    Raises:
        UserError: the folder cannot be one.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / ANSWERS_NAME
        check_cache(folder)
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        self._places: dict[str, tuple[int, int]] = {}
        self._index()

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the recorded entry of a key, or None."""
        place = self._places.get(key)
        if place is None:
            return None
        return json.loads(os.pread(self._descriptor, place[1], place[0]))

    def put(self, key: str, entry: dict[str, Any]) -> None:
        """Record an entry and flush it to the disk."""
        line = (json.dumps({"key": key, **entry}, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        with self._lock:
            # Appended in one write: two runs that share a cache do not tear each other's lines.
            written = os.write(self._descriptor, line)
            if written < len(line):
                raise OSError(28, os.strerror(28), str(self.path))
            os.fdatasync(self._descriptor)
            end = os.lseek(self._descriptor, 0, os.SEEK_CUR)
            self._places[key] = (end - len(line), len(line))

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _index(self) -> None:
        start = 0
        torn = False
        with open(self.path, "rb") as stream:
            for line in stream:
                torn = not line.endswith(b"\n")
                try:
                    entry = json.loads(line)
                    self._places[entry["key"]] = (start, len(line))
                except (ValueError, KeyError, TypeError):
                    pass  # a line torn by a kill: that answer is asked for again
                start += len(line)
        if torn:
            os.write(self._descriptor, b"\n")


def answer_key(asked: dict[str, Any]) -> str:
    """Return the SHA-256 of what was asked, the same for equal questions on any machine."""
    return config_hash(asked)
