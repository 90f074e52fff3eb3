"""Several corpora: weights decide the rows, and the log tells tokens, epochs and held-out loss of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from macbert.pretraining.journal import read_journal


def test_tokens_epochs_and_held_out_loss_are_told_for_each_corpus(
    fake_pretrain: Callable[..., Any], tmp_path: Path
) -> None:
    result = fake_pretrain(tmp_path / "run", data=["50:3", "20:1"], max_steps=16, eval_steps=8)
    log = read_journal(tmp_path / "run")
    last = [entry for entry in log if "mlm_loss" in entry][-1]
    assert last["tokens_50"] + last["tokens_20"] == last["tokens"] == result.tokens
    rows = {name: last[f"epochs_{name}"] * int(name) for name in ("50", "20")}
    assert sum(rows.values()) == pytest.approx(16 * 8)
    # 3/4 of 128 rows of a block of 1,024: drawn without replacement, so the spread is below the binomial one.
    assert abs(rows["50"] - 96) <= 4 * (128 * 0.75 * 0.25) ** 0.5
    scores = [entry for entry in log if "eval_mlm_loss" in entry]
    assert [entry["step"] for entry in scores] == [8, 16]
    assert all({"eval_50/mlm_loss", "eval_20/mlm_loss"} <= set(entry) for entry in scores)


def test_the_counts_of_each_corpus_survive_a_resume(fake_pretrain: Callable[..., Any], tmp_path: Path) -> None:
    changes = {"data": ["50:3", "20:1"], "max_steps": 8}
    fake_pretrain(tmp_path / "run", **changes)
    expected = read_journal(tmp_path / "run")[-2]
    (tmp_path / "run" / "checkpoint-8").rename(tmp_path / "away")
    fake_pretrain(tmp_path / "run", **changes)
    again = read_journal(tmp_path / "run")[-2]
    assert all(again[name] == expected[name] for name in ("tokens_50", "epochs_50", "tokens_20", "epochs_20"))


def test_the_log_tells_speed_utilisation_stall_and_time_left(fake_pretrain: Callable[..., Any], tmp_path: Path) -> None:
    fake_pretrain(tmp_path / "run", max_steps=6)
    lines = [entry for entry in read_journal(tmp_path / "run") if "mlm_loss" in entry]
    for entry in lines:
        assert entry["tokens_per_second"] > 0
        assert 0 < entry["mfu"] < 1
        assert 0 <= entry["data_stall"] <= 1
    assert lines[0]["eta_seconds"] > 0
    assert lines[-1]["eta_seconds"] == 0
