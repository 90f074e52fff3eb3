"""FSDP2 on two processes: the run of one process to rounding, the same files, and what it cannot do is refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpus.errors import UserError
from macbert.pretraining.sharding import asked_for_sharding

Start = Callable[..., subprocess.Popen[str]]


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("encoder", ["bert", pytest.param("eurobert", marks=pytest.mark.slow)])
def test_a_sharded_run_is_that_of_one_process_and_goes_on_in_one(
    encoder: str, start_run: Start, fake_pretrain: Callable[..., Any], tmp_path: Path
) -> None:
    changes = {"max_steps": 6, "save_steps": 3, "encoder": encoder}
    finish(start_run(tmp_path / "two", processes=2, parallel="fsdp", **changes))
    fake_pretrain(tmp_path / "one", **changes)
    for step in (3, 6):
        for name in ("model", "optimizer"):
            files = [tmp_path / run / f"checkpoint-{step}" / f"{name}.safetensors" for run in ("one", "two")]
            one, two = (load_file(path) for path in files)
            assert one.keys() == two.keys()
            for key, value in one.items():
                # As for DDP (test_processes.py): a tenth of one step's move of a weight.
                torch.testing.assert_close(two[key], value, atol=1e-4, rtol=1e-3, msg=key)
    # The whole states are there, so one process goes on from what two saved.
    (tmp_path / "two" / "checkpoint-6").rename(tmp_path / "away")
    assert fake_pretrain(tmp_path / "two", **changes).resumed_from == 3
    again, first = (load_file(path / "model.safetensors") for path in (tmp_path / "two", tmp_path / "away"))
    for key, value in first.items():
        torch.testing.assert_close(again[key], value, atol=1e-4, rtol=0, msg=key)


@pytest.mark.slow
def test_a_sharded_run_goes_on_from_its_own_checkpoint(
    start_run: Start, tmp_path: Path, hashes: Callable[..., Any]
) -> None:
    changes = {"max_steps": 6, "save_steps": 3, "parallel": "fsdp"}
    finish(start_run(tmp_path / "run", processes=2, **changes))
    expected = hashes(tmp_path / "run", 6)
    (tmp_path / "run" / "checkpoint-6").rename(tmp_path / "away")
    assert finish(start_run(tmp_path / "run", processes=2, **changes))["resumed_from"] == 3
    assert hashes(tmp_path / "run", 6) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deterministic": "strict"}, "--deterministic: expected what FSDP2 can do, found strict"),
        ({"optim": "lamb"}, "--optim: expected what FSDP2 can do, found lamb"),
        ({"mixed_precision": "fp16"}, "--mixed-precision: expected what FSDP2 can do, found fp16"),
    ],
)
def test_what_sharding_cannot_do_is_refused(
    changes: dict[str, Any], message: str, fake_pretrain: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        fake_pretrain(tmp_path / "run", parallel="fsdp", **changes)
    assert not (tmp_path / "run").exists()


def test_accelerates_wish_for_fsdp_is_ours(fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from macbert.pretraining import PretrainConfig

    config = PretrainConfig(**fake.settings(tmp_path / "run"))
    assert not asked_for_sharding(config)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert asked_for_sharding(config)
