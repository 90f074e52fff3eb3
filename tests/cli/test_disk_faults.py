"""Faults of the machine: exit code 1, one line that names them, and nothing half-written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("one_thread")

Call = Callable[[str, Path, dict[str, str]], list[str]]

FAULT = re.compile(r"macbert: error: .*(no space left on device|Permission denied|Read-only file system).*")

FREE_BYTES = {
    "corpus build": 40_000,
    "tokenizer train": 60_000,
    "tokenizer similar": 200_000,
    "tokenizer encode": 100_000,
    "pretrain": 400_000,
    "finetune ner": 400_000,
    "evaluate ner": 0,
    "predict": 0,
    "corpus score train": 8_000,
    "tokenizer extend": 400_000,
    "tokenizer trim": 400_000,
    "adapt-report": 400_000,
    "data convert": 0,
    "recipes cp": 0,
    "export": 400_000,
}
"""What is left on the disk of 1 MB: less than the command writes, and enough for it to begin."""


@pytest.mark.parametrize("command", FREE_BYTES)
def test_a_full_disk_is_one_line_and_nothing_half_written_remains(
    command: str, call: Call, small_disk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"--output": "{out}"} if command == "evaluate ner" else {}
    code, error, left = small_disk.run(
        call(command, small_disk.folder / "out", changes), FREE_BYTES[command], False, capsys
    )
    assert code == 1, error
    lines = [line for line in error.splitlines() if "macbert: error:" in line]
    assert len(lines) == 1, error
    assert FAULT.fullmatch(lines[0])
    assert "Traceback" not in error
    assert [path for path in left if not is_kept(command, path)] == []


def is_kept(command: str, path: str) -> bool:
    """A run's record and logs are what it goes on from, with its last whole checkpoint; all else must be gone."""
    kept = ("/out", "/run.json", "/log.jsonl", "/tensorboard")
    return command == "pretrain" and (path.endswith(kept) or "/tensorboard/" in path)


@pytest.mark.parametrize("command", [*FREE_BYTES, "demo"])
def test_a_place_that_may_not_be_written_is_one_line(
    command: str, call: Call, small_disk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"--output": "{out}"} if command == "evaluate ner" else {}
    code, error, left = small_disk.run(call(command, small_disk.folder / "out", changes), 1 << 19, True, capsys)
    assert code == 1, error
    lines = error.splitlines()
    assert len(lines) == 1, error
    assert FAULT.fullmatch(lines[0])
    assert str(small_disk.folder) in lines[0]
    assert left == []
