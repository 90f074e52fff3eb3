"""A save that is killed at any of its operations on the disk: the last checkpoint stands, and the next try is exact."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from corpus.manifest import verify_manifest
from macbert.modeling import MacBertForPreTraining, model_config
from macbert.pretraining.checkpoints import (
    Checkpoint,
    list_checkpoints,
    newest_valid,
    remove_leftovers,
    rotate,
    save_checkpoint,
)
from macbert.pretraining.run_folder import save_model, write_final_model

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


class Run:
    """A run's folder with a checkpoint, and the next save, which ends with rotation and the final model."""

    def __init__(self, folder: Path, fake: Any) -> None:
        self.folder = folder
        self.tokenizer = fake.FakeTokenizer()
        self.config = model_config("tiny", 40, **SMALL, max_position_embeddings=32)
        folder.mkdir()
        self.save(4)

    def model(self, step: int) -> MacBertForPreTraining:
        with torch.random.fork_rng():
            torch.manual_seed(step)
            return MacBertForPreTraining(self.config)

    def save(self, step: int) -> None:
        model = self.model(step)
        remove_leftovers(self.folder)
        save_checkpoint(
            self.folder,
            step,
            save_model=lambda inside: save_model(model, self.tokenizer, inside),
            optimizer={f"{name}/exp_avg": value.detach() * 2 for name, value in model.named_parameters()},
            state={"step": step, "fingerprint": {}},
            config={},
        )
        rotate(self.folder, 1)
        write_final_model(self.folder, model, self.tokenizer, config={}, inputs={})

    def holds_weights(self, checkpoint: Checkpoint) -> bool:
        saved = load_file(checkpoint.folder / "model.safetensors")
        return all(torch.equal(saved[name], p) for name, p in self.model(checkpoint.step).named_parameters())

    def contents(self) -> dict[str, str]:
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


@pytest.fixture(scope="module")
def shim_class(load_file: Callable[[Path], ModuleType]) -> Any:
    return load_file(Path(__file__).with_name("file_shim.py")).FileShim


def in_fork(act: Callable[[], None]) -> int:
    """Run ``act`` in a forked process and return how it ended, as ``os.waitstatus_to_exitcode`` says."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except OSError:
            os._exit(28)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def operations(run: Run, shim_class: Any, log: Path) -> list[str]:
    """Return the names of a save's operations, in order; the disk is left as it was."""
    shim = shim_class()
    copy = run.folder.with_name("copy")
    shutil.copytree(run.folder, copy)

    def act() -> None:
        write = Path.write_text
        shim.install()
        run.save(8)
        names = list(shim.log)
        write(log, json.dumps(names))

    assert in_fork(act) == 0
    shutil.rmtree(run.folder)
    copy.rename(run.folder)
    return json.loads(log.read_text())


def check_every(run: Run, shim_class: Any, points: list[tuple[int, str]], expected: dict[str, str]) -> None:
    before = run.folder.with_name("before")
    shutil.copytree(run.folder, before)
    for number, how in points:
        shim = shim_class(number, how)

        def act(shim: Any = shim) -> None:
            shim.install()
            run.save(8)

        code = in_fork(act)
        assert code == (28 if how == "full" else -signal.SIGKILL), (number, how, code)
        where = f"operation {number} {how}"
        found = newest_valid(run.folder)
        assert found is not None, where
        assert found.step in (4, 8), where
        assert run.holds_weights(found), where
        if (run.folder / "manifest.json").exists():
            assert verify_manifest(run.folder, "run") == [], where
        run.save(8)
        assert run.contents() == expected, where
        shutil.rmtree(run.folder)
        shutil.copytree(before, run.folder)


@pytest.fixture
def run(tmp_path: Path, fake: Any) -> Run:
    return Run(tmp_path / "run", fake)


@pytest.fixture
def expected(tmp_path: Path, fake: Any) -> dict[str, str]:
    whole = Run(tmp_path / "whole", fake)
    whole.save(8)
    assert [step for step, _ in list_checkpoints(whole.folder)] == [8]
    return whole.contents()


def test_a_save_is_made_of_the_operations_that_make_it_safe(run: Run, shim_class: Any, tmp_path: Path) -> None:
    names = operations(run, shim_class, tmp_path / "log.json")
    assert {"open", "create", "write", "tensors", "fsync", "rename", "replace", "unlink", "mkdir", "rmdir"} == {*names}
    # Every file is flushed before its folder takes its name, and the parent after.
    first_rename = names.index("rename")
    assert names[:first_rename].count("fsync") >= names[:first_rename].count("open")
    assert names[first_rename + 1] == "fsync"


def test_every_kill_point(run: Run, shim_class: Any, tmp_path: Path, expected: dict[str, str]) -> None:
    names = operations(run, shim_class, tmp_path / "log.json")
    points = [(number, how) for number in range(len(names)) for how in ("before", "after")]
    check_every(run, shim_class, points, expected)


def test_every_torn_write_and_every_full_disk(
    run: Run, shim_class: Any, tmp_path: Path, expected: dict[str, str]
) -> None:
    names = operations(run, shim_class, tmp_path / "log.json")
    points = [(number, "torn") for number, name in enumerate(names) if name in ("write", "tensors")]
    points += [(number, "full") for number, name in enumerate(names) if name in ("write", "tensors", "open", "create")]
    check_every(run, shim_class, points, expected)
