"""A run that was stopped, killed or damaged goes on and ends as if nothing had happened."""

from __future__ import annotations

import json
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

Pretrain = Callable[..., Any]
Hashes = Callable[[Path, int], dict[str, str]]


def curve(folder: Path) -> list[dict[str, Any]]:
    """Return the log without what the clock decides."""
    return [{key: value for key, value in entry.items() if key not in CLOCK_FIELDS} for entry in read_journal(folder)]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 1800) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_resumed_run_equals_the_uninterrupted_one_bit_by_bit(
    fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes
) -> None:
    fake_pretrain(tmp_path / "whole", dropout=0.1)
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    for step in (8, 12):
        shutil.rmtree(tmp_path / "cut" / f"checkpoint-{step}")
    result = fake_pretrain(tmp_path / "cut", dropout=0.1)
    assert result.resumed_from == 4
    assert hashes(tmp_path / "whole", 12) == hashes(tmp_path / "cut", 12)
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut")


def test_a_finished_run_is_not_trained_again(fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes) -> None:
    fake_pretrain(tmp_path / "run")
    before, log = hashes(tmp_path / "run", 12), curve(tmp_path / "run")
    result = fake_pretrain(tmp_path / "run")
    assert (result.finished, result.resumed_from, result.step) == (True, 12, 12)
    assert hashes(tmp_path / "run", 12) == before
    assert curve(tmp_path / "run") == log


def test_sigterm_saves_and_exits_with_zero_and_the_same_command_goes_on(
    start_run: Callable[..., subprocess.Popen[str]], fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes
) -> None:
    changes = {"max_steps": 300, "save_steps": 1000}
    process = start_run(tmp_path / "run", **changes)
    wait_for(lambda: len(read_journal(tmp_path / "run")) >= 1, process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err
    stopped = json.loads(out)
    assert not stopped["finished"]
    assert [step for step, _ in list_checkpoints(tmp_path / "run")] == [stopped["step"]]
    assert 0 < stopped["step"] < 300
    assert not (tmp_path / "run" / "manifest.json").exists()

    assert fake_pretrain(tmp_path / "run", **changes).resumed_from == stopped["step"]
    fake_pretrain(tmp_path / "whole", **changes)
    assert hashes(tmp_path / "run", 300) == hashes(tmp_path / "whole", 300)


def test_sigkill_at_any_moment_costs_only_the_steps_since_the_last_save(
    start_run: Callable[..., subprocess.Popen[str]], fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes
) -> None:
    changes = {"max_steps": 60, "save_steps": 5, "save_total_limit": 3}
    for kills in (1, 2):
        process = start_run(tmp_path / "run", **changes)
        wait_for(lambda goal=15 * kills: newest(tmp_path / "run") >= goal, process)
        process.kill()
        process.communicate()
    last = newest(tmp_path / "run")
    assert fake_pretrain(tmp_path / "run", **changes).resumed_from == last
    fake_pretrain(tmp_path / "whole", **changes)
    assert hashes(tmp_path / "run", 60) == hashes(tmp_path / "whole", 60)
    assert curve(tmp_path / "run") == curve(tmp_path / "whole")
    assert len(list_checkpoints(tmp_path / "run")) == 3


def newest(folder: Path) -> int:
    return max((step for step, _ in list_checkpoints(folder)), default=0)


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json", "config.json"])
def test_a_damaged_checkpoint_is_rejected_and_the_one_before_is_used(
    name: str, fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes, caplog: pytest.LogCaptureFixture
) -> None:
    fake_pretrain(tmp_path / "run")
    before = hashes(tmp_path / "run", 12)
    flip_bit(tmp_path / "run" / "checkpoint-12" / name)
    with caplog.at_level("INFO"):
        assert fake_pretrain(tmp_path / "run").resumed_from == 8
    assert f"checkpoint-12 rejected: {tmp_path}/run/checkpoint-12/{name}: expected SHA-256" in caplog.text
    assert "going on from checkpoint-8" in caplog.text
    assert hashes(tmp_path / "run", 12) == before


def test_damage_of_every_kind_is_named_and_nothing_is_trained(fake_pretrain: Pretrain, tmp_path: Path) -> None:
    fake_pretrain(tmp_path / "run")
    flip_bit(tmp_path / "run" / "checkpoint-12" / "manifest.json")
    (tmp_path / "run" / "checkpoint-8" / "optimizer.safetensors").unlink()
    with (tmp_path / "run" / "checkpoint-4" / "model.safetensors").open("r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(UserError, match="expected a whole checkpoint, found only damaged ones"):
        fake_pretrain(tmp_path / "run")
    assert [step for step, _ in list_checkpoints(tmp_path / "run")] == [12, 8, 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "checkpoint-12: seed: expected 0, found 1"),
        ({"global_batch_size": 4}, "global_batch_size: expected 8, found 4"),
        ({"data": ["40"]}, r'data: expected \["50"\], found \["40"\]'),
        ({"learning_rate": 2e-3}, "learning_rate: expected 0.001, found 0.002"),
        ({"max_steps": 13}, "max_steps: expected 12, found 13"),
        ({"mixed_precision": "bf16"}, 'mixed_precision: expected "no", found "bf16"'),
        ({"masking": {"mlm_probability": 0.2}}, "masking.mlm_probability: expected 0.15, found 0.2"),
        ({"resume": "never"}, "expected an empty folder"),
    ],
)
def test_a_changed_setting_is_refused_with_both_values(
    changes: dict[str, Any], message: str, fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes
) -> None:
    from macbert.masking import MacMasking

    if "masking" in changes:
        changes = {"masking": MacMasking(**changes["masking"])}
    fake_pretrain(tmp_path / "run")
    record = (tmp_path / "run" / "run.json").read_text()
    with pytest.raises(UserError, match=message):
        fake_pretrain(tmp_path / "run", **changes)
    assert (tmp_path / "run" / "run.json").read_text() == record


def test_an_allowed_change_goes_on(fake_pretrain: Pretrain, tmp_path: Path) -> None:
    fake_pretrain(tmp_path / "run")
    result = fake_pretrain(tmp_path / "run", max_steps=14, allow_change=["max_steps"])
    assert (result.resumed_from, result.step) == (12, 14)


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    fake_pretrain: Pretrain, tmp_path: Path, hashes: Hashes, monkeypatch: pytest.MonkeyPatch
) -> None:
    import macbert.pretraining.checkpoints as checkpoints

    fake_pretrain(tmp_path / "whole")
    real, calls = checkpoints.save_file, []

    def full(tensors: Any, path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device", str(path))
        real(tensors, path)

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        fake_pretrain(tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").glob("*checkpoint*")] == ["checkpoint-4"]
    assert fake_pretrain(tmp_path / "run").resumed_from == 4
    assert hashes(tmp_path / "run", 12) == hashes(tmp_path / "whole", 12)
