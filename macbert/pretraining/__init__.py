"""Pretraining: a pure stream of examples, one readable loop, checkpoints that survive anything."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from macbert.pretraining.config import PretrainConfig

# OpenMP reads this when torch is loaded. Threads that spin while they wait for each other steal the cores of whatever
# else runs: 2 threads on a busy 2-core machine trained 2,200 tokens/s spinning and 20,100 sleeping (preset tiny).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from macbert.pretraining.loop import pretrain
    from macbert.pretraining.result import PretrainResult

_HOME = {"PretrainResult": "result", "pretrain": "loop"}

__all__ = ["PretrainConfig", "PretrainResult", "pretrain"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
