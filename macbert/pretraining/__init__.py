"""Pretraining: a pure stream of examples, one readable loop, checkpoints that survive anything."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from macbert.pretraining.config import PretrainConfig

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
