"""Whole processes killed at any moment, ranks, workers, and data that changed under a run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import UserError
from macbert.pretraining.checkpoints import list_checkpoints
from macbert.pretraining.journal import read_journal
from macbert.pretraining.reporter import CLOCK_FIELDS

Start = Callable[..., subprocess.Popen[str]]
Pretrain = Callable[..., Any]
Hashes = Callable[[Path, int], dict[str, str]]


def newest(folder: Path) -> int:
    return max((step for step, _ in list_checkpoints(folder)), default=0)


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 1800) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def curve(folder: Path) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key not in CLOCK_FIELDS} for line in read_journal(folder)]


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_ten_kills_in_one_run_change_nothing(
    start_run: Start, fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes
) -> None:
    changes = {"max_steps": 110, "save_steps": 3, "save_total_limit": 2, "dropout": 0.1}
    moment = random.Random(0)
    for kill in range(10):
        before = newest(tmp_path / "run")
        process = start_run(tmp_path / "run", **changes)
        wait_for(lambda goal=before + 9: newest(tmp_path / "run") >= goal, process)
        # A step takes some milliseconds and a save some more: this falls on either.
        time.sleep(moment.random() * 0.1)
        process.kill()
        process.communicate()
        assert newest(tmp_path / "run") >= before + 9, kill
    last = newest(tmp_path / "run")
    assert fake_pretrain(tmp_path / "run", **changes).resumed_from == last
    fake_pretrain(tmp_path / "whole", **changes)
    assert hashes(tmp_path / "run", 110) == hashes(tmp_path / "whole", 110)
    assert curve(tmp_path / "run") == curve(tmp_path / "whole")


def test_a_killed_worker_ends_the_run_and_the_same_command_goes_on(
    start_run: Start, fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes
) -> None:
    changes = {"max_steps": 400, "save_steps": 10, "save_total_limit": 2}
    process = start_run(tmp_path / "run", num_workers=2, **changes)
    wait_for(lambda: newest(tmp_path / "run") >= 20, process)
    workers = [child for child in children(process.pid) if "fake_run" in read(Path(f"/proc/{child}/cmdline"))]
    assert len(workers) >= 2
    os.kill(workers[-1], signal.SIGKILL)
    _, err = process.communicate(timeout=1800)
    assert process.returncode == 1
    assert "killed by signal" in err
    last = newest(tmp_path / "run")
    assert 20 <= last < 400
    # And without workers: how rows are prepared changes no row.
    assert fake_pretrain(tmp_path / "run", **changes).resumed_from == last
    fake_pretrain(tmp_path / "whole", **changes)
    assert hashes(tmp_path / "run", 400) == hashes(tmp_path / "whole", 400)


def test_a_killed_rank_ends_the_run_and_the_same_command_goes_on(
    start_run: Start, fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes
) -> None:
    changes = {"max_steps": 300, "save_steps": 10, "deterministic": "strict", "strict_slots": 4}
    process = start_run(tmp_path / "run", processes=2, **changes)
    wait_for(lambda: newest(tmp_path / "run") >= 20, process)
    ranks = [child for child in children(process.pid) if "fake_run" in read(Path(f"/proc/{child}/cmdline"))]
    assert len(ranks) == 2
    os.kill(ranks[1], signal.SIGKILL)
    process.communicate(timeout=1800)
    assert process.returncode != 0
    last = newest(tmp_path / "run")
    assert 20 <= last < 300
    again = start_run(tmp_path / "run", processes=2, **changes)
    out, err = again.communicate(timeout=1800)
    assert again.returncode == 0, err[-2000:]
    assert json.loads(out.splitlines()[-1])["resumed_from"] == last
    fake_pretrain(tmp_path / "whole", **changes)
    assert hashes(tmp_path / "run", 300) == hashes(tmp_path / "whole", 300)


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ["flipped", "gone", "manifest"])
def test_damaged_tokens_stop_a_run_by_name(damage: str, small_road: Any, tmp_path: Path) -> None:
    from macbert.pretraining import PretrainConfig, pretrain

    tokens = tmp_path / "tokens"
    shutil.copytree(small_road.tokens, tokens)
    shard = sorted(tokens.glob("*.arrow"))[0]
    if damage == "gone":
        shard.unlink()
    else:
        flip_bit(shard if damage == "flipped" else tokens / "manifest.json")
    with pytest.raises(UserError, match=(tokens / "manifest.json" if damage == "manifest" else shard).name):
        pretrain(PretrainConfig(data=[str(tokens)], output=str(tmp_path / "run"), model="tiny", max_steps=1))
    assert not (tmp_path / "run").exists()
