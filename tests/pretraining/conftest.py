"""The made-up run, as a module and as a command."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("fake_run.py")


@pytest.fixture(scope="session")
def fake(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    """``fake_run`` as a module."""
    return load_file(SCRIPT)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Sums inside a kernel are split by threads; runs in this process are compared with runs in others, bit by bit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def fake_pretrain(fake: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``pretrain`` on made-up rows, in this process: ``fake_pretrain(output, **changes)``."""
    import macbert.pretraining.loop as loop
    from macbert.pretraining import PretrainConfig

    monkeypatch.setattr(loop, "open_inputs", fake.fake_inputs)
    return lambda output, **changes: loop.pretrain(PretrainConfig(**fake.settings(output, **changes)))


@pytest.fixture
def start_run(fake: ModuleType) -> Callable[..., subprocess.Popen[str]]:
    """Start a made-up run in processes of its own: ``start_run(output, processes=2, **changes)``.

    Several are started by torchrun, or by ``launcher`` (Python's words before the script).
    """

    def start(
        output: Path, *, processes: int = 1, threads: int = 1, launcher: Sequence[str] = (), **changes: Any
    ) -> subprocess.Popen[str]:
        values = json.dumps(fake.settings(output, **changes))
        if processes > 1 and not launcher:
            launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        command = [sys.executable, *launcher, str(SCRIPT), values]
        root = SCRIPT.parents[2]
        # One thread each: sums inside a kernel are split by threads, and the tests compare bits.
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(root)}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=output.parent
        )

    return start


def run_hashes(folder: Path, step: int) -> dict[str, str]:
    """Return the SHA-256 of all that a run's last state is."""
    names = ["model.safetensors"]
    names += [f"checkpoint-{step}/{name}" for name in ("model.safetensors", "optimizer.safetensors", "state.json")]
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


@pytest.fixture
def hashes() -> Callable[[Path, int], dict[str, str]]:
    """``run_hashes``."""
    return run_hashes
