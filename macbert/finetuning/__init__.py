"""From an encoder and labelled texts to classifiers and extractors, scored on whole texts."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.finetuning.config import EvaluateConfig, FinetuneConfig, PredictConfig
    from macbert.finetuning.evaluation import evaluate
    from macbert.finetuning.folder import load_finetuned
    from macbert.finetuning.result import EvaluateResult, FinetuneResult
    from macbert.finetuning.training import finetune

_HOME = {
    "EvaluateConfig": "config",
    "EvaluateResult": "result",
    "FinetuneConfig": "config",
    "FinetuneResult": "result",
    "PredictConfig": "config",
    "evaluate": "evaluation",
    "finetune": "training",
    "load_finetuned": "folder",
}

__all__ = [
    "EvaluateConfig",
    "EvaluateResult",
    "FinetuneConfig",
    "FinetuneResult",
    "PredictConfig",
    "evaluate",
    "finetune",
    "load_finetuned",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
