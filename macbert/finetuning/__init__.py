"""From an encoder and labelled texts to classifiers and extractors, scored on whole texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.finetuning.config import EvaluateConfig, FinetuneConfig, PredictConfig
    from macbert.finetuning.evaluation import evaluate
    from macbert.finetuning.folder import load_finetuned
    from macbert.finetuning.result import EvaluateResult, FinetuneResult
    from macbert.finetuning.training import finetune

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "EvaluateConfig": "config",
        "EvaluateResult": "result",
        "FinetuneConfig": "config",
        "FinetuneResult": "result",
        "PredictConfig": "config",
        "evaluate": "evaluation",
        "finetune": "training",
        "load_finetuned": "folder",
    },
)
