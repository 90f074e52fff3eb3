"""DeepSpeed's ZeRO on two processes: the run of one process to rounding, the same files; the rest is refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpus.errors import MissingExtra, UserError
from macbert.cli import main
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.deepspeed import asked_for_zero

Start = Callable[..., subprocess.Popen[str]]

CONFIG = Path(__file__).resolve().parents[2] / "scripts" / "launch" / "deepspeed.yaml"
LAUNCH = ["-m", "accelerate.commands.launch", f"--config_file={CONFIG}", "--num_processes=2", "--main_process_port=0"]


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


def assert_same(first: Path, second: Path, atol: float) -> None:
    """Two checkpoints hold the same tensors by the same names, and the same counts."""
    for name in ("model", "optimizer"):
        ours, theirs = (load_file(folder / f"{name}.safetensors") for folder in (first, second))
        assert ours.keys() == theirs.keys()
        for key, value in ours.items():
            torch.testing.assert_close(theirs[key], value, atol=atol, rtol=1e-3, msg=key)
    states = [json.loads((folder / "state.json").read_text()) for folder in (first, second)]
    for state in states:
        del state["window"]  # sums of losses, equal to rounding
    assert states[0] == states[1]


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "precision"), [(1, "no"), (2, "no"), (2, "bf16")])
def test_a_run_by_deepspeed_is_that_of_one_process_and_each_goes_on_with_the_others_state(
    stage: int, precision: str, start_run: Start, tmp_path: Path
) -> None:
    """Needs ``pip install 'macbert-zh[deepspeed]'``, as ``scripts/test.sh --all`` does.

    Step 1 is bad and skipped; 5, 6 and 7 send the run back to checkpoint-4 and past their rows. Every step is four
    micro-batches a process, and gradients are clipped (norms of 3.8, clipped to 1).
    """
    changes: dict[str, Any] = {"max_steps": 8, "bad_steps": [1, 5, 6, 7], "per_device_train_batch_size": 1}
    changes["mixed_precision"] = precision
    # A step moves a weight by at most the learning rate, 1e-3. A tenth of a step as for DDP (test_processes.py), half
    # of one in bf16, whose rounding of 2^-9 turns some moves: DDP itself is 1.1e-4 from one process there.
    atol = 1e-4 if precision == "no" else 5e-4
    by_deepspeed = {"processes": 2, "launcher": [*LAUNCH, f"--zero_stage={stage}"], **changes}
    one, two = tmp_path / "one", tmp_path / "two"
    assert finish(start_run(one, **changes))["skipped_steps"] == 4
    assert finish(start_run(two, **by_deepspeed))["skipped_steps"] == 4
    for step in (4, 8):
        assert_same(one / f"checkpoint-{step}", two / f"checkpoint-{step}", atol)
    for run, resume in ((one, by_deepspeed), (two, changes)):
        (run / "checkpoint-8").rename(tmp_path / f"{run.name}-8")
        assert finish(start_run(run, **resume))["resumed_from"] == 4
        assert_same(tmp_path / f"{run.name}-8", run / "checkpoint-8", atol)


STAGE = {"zero_optimization": {"stage": 2}}


def settings_of(tmp_path: Path, fake: Any, **changes: Any) -> PretrainConfig:
    return PretrainConfig(**fake.settings(tmp_path / "run", **changes))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``accelerate launch`` with our file puts into the environment."""
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", "2")


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parallel": "fsdp"}, "--parallel: expected what DeepSpeed can do here, found fsdp"),
        ({"deterministic": "strict"}, "--deterministic: expected what DeepSpeed can do here, found strict"),
        ({"optim": "lamb"}, "--optim: expected what DeepSpeed can do here, found lamb"),
        ({"mixed_precision": "fp16"}, "--mixed-precision: expected what DeepSpeed can do here, found fp16"),
        ({"torch_compile": True}, "--torch-compile: expected what DeepSpeed can do here, found true"),
    ],
)
def test_what_deepspeed_cannot_do_is_refused(
    changes: dict[str, Any], message: str, fake_pretrain: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        fake_pretrain(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"zero_optimization": {"stage": 3}}, r"\.stage: expected 1 or 2, found 3; use --parallel fsdp"),
        ({"zero_optimization": {"stage": 0}}, r"\.stage: expected 1 or 2, found 0; start without DeepSpeed"),
        ({"zero_optimization": {"stage": 2, "offload_optimizer": {"device": "cpu"}}}, "expected device none"),
        ({"zero_optimization": {"stage": 2, "zenflow": {}}}, r"zero_optimization\.zenflow: expected a setting that"),
        (STAGE | {"gradient_clipping": 0.5}, r"gradient_clipping: expected auto or 1\.0, found 0\.5"),
        (STAGE | {"train_batch_size": 64}, "train_batch_size: expected auto or 8, found 64"),
        (STAGE | {"optimizer": {"type": "Adam"}}, "optimizer: expected auto or nothing"),
        (STAGE | {"fp16": {"enabled": True}}, "fp16: expected auto or nothing"),
        ({}, r"DeepSpeed: expected settings, found an error \(Please specify the ZeRO optimization config"),
    ],
)
def test_settings_of_deepspeed_that_would_rule_the_run_are_refused(
    settings: dict[str, Any], message: str, fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "deepspeed.json"
    path.write_text(json.dumps(settings))
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", str(path))
    with pytest.raises(UserError, match=message):
        asked_for_zero(settings_of(tmp_path, fake))


@pytest.mark.usefixtures("asked")
def test_a_file_for_deepspeed_may_tell_how_zero_sends(
    fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    zero = {"stage": 1, "overlap_comm": True, "reduce_bucket_size": "auto", "offload_param": {"device": "none"}}
    settings = {"zero_optimization": zero, "bf16": {"enabled": "auto"}, "gradient_clipping": 1.0, "train_batch_size": 8}
    path = tmp_path / "deepspeed.json"
    path.write_text(json.dumps(settings))
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", str(path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert asked_for_zero(settings_of(tmp_path, fake)) == {"stage": 1, "overlap_comm": True}
    assert asked_for_zero(settings_of(tmp_path, fake)) is None  # the wish is taken out of the environment


@pytest.mark.usefixtures("asked")
def test_without_the_package_its_extra_is_named(fake: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'macbert-zh\[deepspeed\]'"):
        asked_for_zero(settings_of(tmp_path, fake))


@pytest.mark.usefixtures("asked")
def test_the_command_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_ZERO_STAGE", "3")
    assert main(["pretrain", "tiny", "--data", str(tmp_path), "--output", str(tmp_path / "run")]) == 2
    assert "zero_optimization.stage: expected 1 or 2, found 3" in capsys.readouterr().err
