"""What accelerate launch may ask for: the loop does it, or refuses it by name before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accelerate import Accelerator
from accelerate.utils import DistributedType

from corpus.errors import UserError


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("ACCELERATE_USE_MEGATRON_LM", "true", "Megatron-LM"),
        ("ACCELERATE_USE_PARALLELISM_CONFIG", "true", "--use_parallelism_config"),
        ("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "2", "--gradient_accumulation_steps above 1"),
    ],
)
def test_a_way_of_training_that_the_loop_does_not_know_is_refused(
    variable: str,
    value: str,
    found: str,
    fake_pretrain: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=f"accelerate launch: expected .*, found {found}"):
        fake_pretrain(tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", sorted({*DistributedType} - {"NO", "MULTI_CPU", "MULTI_GPU"}))
def test_a_device_that_the_loop_does_not_know_is_refused(
    kind: DistributedType, fake_pretrain: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Accelerator, "distributed_type", property(lambda accelerator: kind))
    with pytest.raises(UserError, match=f"accelerate launch: expected .*, found {kind.value};"):
        fake_pretrain(tmp_path / "run")
    assert not (tmp_path / "run").exists()
