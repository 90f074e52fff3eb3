"""One run on one, two or four processes: the same batches always, the same bits on request."""

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
from macbert.pretraining.journal import read_journal
from macbert.pretraining.strict import tree_sum

Start = Callable[..., subprocess.Popen[str]]


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("processes", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_several_processes_agree_with_one_to_rounding(
    processes: int, start_run: Start, fake_pretrain: Callable[..., Any], tmp_path: Path
) -> None:
    changes = {"max_steps": 6, "save_steps": 6, "per_device_train_batch_size": 1}
    two = finish(start_run(tmp_path / "two", processes=processes, **changes))
    one = fake_pretrain(tmp_path / "one", **changes)
    assert (two["tokens"], two["step"]) == (one.tokens, one.step)
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    # AdamW moves a weight by at most about the learning rate a step; rounding may turn only weights whose gradient is
    # rounding itself. A tenth of one step's move is far above rounding and far below a wrong batch.
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], atol=1e-4, rtol=0, msg=name)
    losses = [
        [entry["mlm_loss"] for entry in read_journal(tmp_path / name) if "mlm_loss" in entry] for name in ("one", "two")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    scores = [read_journal(tmp_path / name)[-1]["eval_mlm_loss"] for name in ("one", "two")]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


STRICT = {"deterministic": "strict", "strict_slots": 4, "dropout": 0.1, "max_steps": 20, "save_steps": 20}


@pytest.mark.parametrize("processes", [2, 4])
def test_strict_mode_gives_the_same_bits_for_any_number_of_processes(
    processes: int, start_run: Start, fake_pretrain: Callable[..., Any], tmp_path: Path, hashes: Callable[..., Any]
) -> None:
    several = start_run(tmp_path / "several", processes=processes, **STRICT)
    fake_pretrain(tmp_path / "one", per_device_train_batch_size=1, **STRICT)
    finish(several)
    assert hashes(tmp_path / "one", 20) == hashes(tmp_path / "several", 20)


@pytest.mark.slow
def test_the_default_mode_does_not_give_the_same_bits_so_that_the_test_above_can_fail(
    start_run: Start, fake_pretrain: Callable[..., Any], tmp_path: Path, hashes: Callable[..., Any]
) -> None:
    changes = {**STRICT, "deterministic": "off"}
    finish(start_run(tmp_path / "two", processes=2, **changes))
    fake_pretrain(tmp_path / "one", **changes)
    assert hashes(tmp_path / "one", 20) != hashes(tmp_path / "two", 20)


@pytest.mark.slow
def test_a_run_saved_by_two_processes_goes_on_with_one_bit_by_bit(
    start_run: Start, fake_pretrain: Callable[..., Any], tmp_path: Path, hashes: Callable[..., Any]
) -> None:
    changes = {**STRICT, "save_steps": 5}
    finish(start_run(tmp_path / "run", processes=2, **changes))
    expected = hashes(tmp_path / "run", 20)
    for step in (15, 20):
        folder = tmp_path / "run" / f"checkpoint-{step}"
        folder.rename(tmp_path / folder.name)
    assert fake_pretrain(tmp_path / "run", **changes).resumed_from == 10
    assert hashes(tmp_path / "run", 20) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strict_slots": 3}, "--strict-slots: expected a power of two"),
        ({"strict_slots": 16}, "--strict-slots: expected a power of two that divides --global-batch-size 8"),
        ({"mixed_precision": "bf16"}, "--mixed-precision: expected no"),
    ],
)
def test_what_strict_mode_cannot_promise_is_refused(
    changes: dict[str, Any], message: str, fake_pretrain: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        fake_pretrain(tmp_path / "run", **{**STRICT, **changes})


def test_a_tree_sum_does_not_depend_on_who_adds_the_subtrees() -> None:
    parts = list(torch.randn(8, 1000, generator=torch.Generator().manual_seed(0)) * 1e3)
    whole = tree_sum(parts)
    for processes in (2, 4, 8):
        share = 8 // processes
        assert torch.equal(whole, tree_sum([tree_sum(parts[i : i + share]) for i in range(0, 8, share)]))
    assert not torch.equal(whole, sum(parts))
