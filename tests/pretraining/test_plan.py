"""How many rows a step has, how long they are and which: against counting step by step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import UserError
from macbert.pretraining import PretrainConfig
from macbert.pretraining.journal import read_journal
from macbert.pretraining.plan import StepPlan


def config(**changes: Any) -> PretrainConfig:
    return PretrainConfig(**{"data": ["d"], "output": "o", "max_length": 512, "global_batch_size": 64, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch_warmup": 37, "batch_warmup_start": 8},
        {"batch_warmup": 0.25, "batch_warmup_start": 16, "length_warmup": 20},
        {"length_warmup": 0.5, "length_warmup_start": 64},
        {"batch_warmup": 10, "batch_warmup_start": 32, "length_warmup": 60, "length_warmup_start": 256},
    ],
)
def test_steps_take_the_rows_of_their_stream_without_gap_or_repetition(changes: dict[str, Any]) -> None:
    plan = StepPlan(config(**changes), 100)
    expected = {True: 0, False: 0}
    for step in range(130):
        shape = plan.shape(step)
        assert shape.first == expected[shape.short], step
        assert shape.rows == plan.rows(step) > 0
        expected[shape.short] += shape.rows


def test_batches_double_and_short_rows_keep_the_tokens_of_a_step() -> None:
    plan = StepPlan(config(batch_warmup=30, batch_warmup_start=8, length_warmup=40, length_warmup_start=128), 100)
    tokens = [plan.rows(step) * (128 if plan.shape(step).short else 512) for step in range(100)]
    assert [tokens[step] // 512 for step in (0, 9, 10, 19, 20, 29, 30, 39, 40, 99)] == [8, 8, 16, 16, 32, 32, *[64] * 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_warmup": 10, "batch_warmup_start": 12}, "--batch-warmup-start: expected --global-batch-size 64"),
        ({"length_warmup": 10, "length_warmup_start": 100}, "a divisor of --max-length 512"),
    ],
)
def test_what_does_not_divide_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        config(**changes)


def test_every_size_of_a_step_must_be_shared_out_evenly() -> None:
    plan = StepPlan(config(batch_warmup=10, batch_warmup_start=2), 100)
    plan.check(2, None)
    with pytest.raises(UserError, match="rows for every process, found 2 for 4 processes"):
        plan.check(4, None)
    with pytest.raises(UserError, match="a multiple of 8 slots, found 2"):
        plan.check(1, 8)


WARM_UPS = {"batch_warmup": 6, "batch_warmup_start": 2, "length_warmup": 5, "length_warmup_start": 12}


def test_a_run_with_warm_ups_resumes_bit_by_bit(
    fake_pretrain: Callable[..., Any], tmp_path: Path, hashes: Callable[..., Any]
) -> None:
    fake_pretrain(tmp_path / "whole", **WARM_UPS)
    fake_pretrain(tmp_path / "cut", **WARM_UPS)
    for step in (8, 12):
        (tmp_path / "cut" / f"checkpoint-{step}").rename(tmp_path / f"away-{step}")
    assert fake_pretrain(tmp_path / "cut", **WARM_UPS).resumed_from == 4
    assert hashes(tmp_path / "whole", 12) == hashes(tmp_path / "cut", 12)
    rows = [entry["rows_per_step"] for entry in read_journal(tmp_path / "cut") if "mlm_loss" in entry]
    assert rows == [2 * 2, 4, 8, 8]
