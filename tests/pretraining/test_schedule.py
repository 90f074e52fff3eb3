"""Learning rates over a run."""

from __future__ import annotations

import itertools

import pytest

from macbert.pretraining.schedule import learning_rate_factor, warmup_steps


def curve(schedule: str, steps: int = 100, warmup: float = 0.1, wsd_decay: float = 0.2) -> list[float]:
    return [
        learning_rate_factor(step, steps, schedule=schedule, warmup=warmup, wsd_decay=wsd_decay)
        for step in range(steps)
    ]


@pytest.mark.parametrize("schedule", ["linear", "cosine", "wsd", "constant"])
def test_warm_up_rises_in_a_line_from_the_first_step(schedule: str) -> None:
    assert curve(schedule)[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])


@pytest.mark.parametrize("schedule", ["linear", "cosine", "wsd"])
def test_after_warm_up_it_never_rises_and_the_last_step_still_moves(schedule: str) -> None:
    after = curve(schedule)[10:]
    assert all(earlier >= later for earlier, later in itertools.pairwise(after))
    assert 0 < after[-1] < 0.06


def test_linear_is_that_of_transformers() -> None:
    import torch
    from transformers import get_linear_schedule_with_warmup

    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=10, num_training_steps=100)
    for step, ours in enumerate(curve("linear")):
        optimizer.step()
        # Theirs begins warm-up at 0; ours is one step ahead there, so that no step is wasted.
        expected = theirs.get_last_lr()[0] + (0.1 if step < 10 else 0)
        assert ours == pytest.approx(expected)
        theirs.step()


def test_wsd_is_flat_until_its_decay() -> None:
    factors = curve("wsd")
    assert factors[10:80] == [1.0] * 70
    assert factors[80:] == pytest.approx([(100 - step) / 20 for step in range(80, 100)])


def test_warm_up_may_be_steps_or_a_share() -> None:
    assert warmup_steps(0.5, 10) == warmup_steps(5, 10) == 5
    assert curve("linear", warmup=0)[0] == 1.0
