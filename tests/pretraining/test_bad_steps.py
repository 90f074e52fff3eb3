"""Gradients that are not finite: skipped and recorded, then rolled back, then an error; never in a weight."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpus.errors import UserError
from macbert.pretraining.checkpoints import Checkpoint, list_checkpoints
from macbert.pretraining.journal import read_journal
from macbert.pretraining.training import Training

Pretrain = Callable[..., Any]


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], list[int]]:
    """Make the gradient of some steps' rows NaN; returns the list into which the rows trained on are written."""

    def poisoned(bad: set[int]) -> list[int]:
        real, seen = Training._backward, []

        def backward(self: Training, *args: Any) -> list[float]:
            losses = real(self, *args)
            seen.append(self.counters.step + self.counters.data_offset)
            if seen[-1] in bad:
                next(self.model.parameters()).grad[0] = math.nan
                return [math.nan, math.inf]
            return losses

        monkeypatch.setattr(Training, "_backward", backward)
        return seen

    return poisoned


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    step, path = list_checkpoints(folder)[0]
    return load_file(Checkpoint(path, step).folder / "model.safetensors")


def test_a_bad_step_changes_no_weight_and_no_average(fake_pretrain: Pretrain, poison: Any, tmp_path: Path) -> None:
    poison({5})
    result = fake_pretrain(tmp_path / "run")
    assert (result.step, result.skipped_steps) == (12, 1)
    lines = [entry for entry in read_journal(tmp_path / "run") if "mlm_loss" in entry]
    assert [entry["step"] for entry in lines] == [3, 6, 9, 12]
    assert all(math.isfinite(entry["mlm_loss"]) and math.isfinite(entry["grad_norm"]) for entry in lines)
    assert all(torch.isfinite(value).all() for value in weights_of(tmp_path / "run").values())
    step, folder = list_checkpoints(tmp_path / "run")[0]
    assert Checkpoint(folder, step).state()["skipped"] == [[5 * 8, 6 * 8]]


def test_bad_steps_in_a_row_go_back_to_the_checkpoint_and_past_their_rows(
    fake_pretrain: Pretrain, poison: Any, tmp_path: Path
) -> None:
    seen = poison({5, 6, 7})
    result = fake_pretrain(tmp_path / "run")
    # Steps 0 to 7, back to checkpoint-4, and from there the rows after the bad ones.
    assert seen == [*range(8), *range(8, 16)]
    assert (result.step, result.skipped_steps, result.finished) == (12, 3, True)
    steps = [entry["step"] for entry in read_journal(tmp_path / "run") if "mlm_loss" in entry]
    assert steps == [3, 6, 9, 12]
    assert [entry["skipped"] for entry in read_journal(tmp_path / "run") if "rollbacks" in entry] == [
        [[40, 48], [48, 56], [56, 64]]
    ]


def test_a_run_that_went_back_resumes_to_the_same_weights(
    fake_pretrain: Pretrain, poison: Any, tmp_path: Path, hashes: Any
) -> None:
    poison({5, 6, 7})
    fake_pretrain(tmp_path / "run")
    expected = hashes(tmp_path / "run", 12)
    (tmp_path / "run" / "checkpoint-12").rename(tmp_path / "away")
    assert fake_pretrain(tmp_path / "run").resumed_from == 8
    assert hashes(tmp_path / "run", 12) == expected


def test_a_run_that_cannot_recover_stops_and_names_the_rows(
    fake_pretrain: Pretrain, poison: Any, tmp_path: Path
) -> None:
    poison(set(range(5, 100)))
    with pytest.raises(
        UserError, match=r"step \d+: expected finite gradients, found 3 bad steps in a row \(rows \d+ to"
    ):
        fake_pretrain(tmp_path / "run", max_rollbacks=2)
    assert [step for step, _ in list_checkpoints(tmp_path / "run")] == [4]


def test_without_a_checkpoint_bad_steps_stop_the_run(fake_pretrain: Pretrain, poison: Any, tmp_path: Path) -> None:
    poison(set(range(100)))
    with pytest.raises(UserError, match=r"3 bad steps in a row \(rows 0 to 23\), 0 roll-backs"):
        fake_pretrain(tmp_path / "run")
    assert not (tmp_path / "run" / "manifest.json").exists()
