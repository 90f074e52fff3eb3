"""Pretraining: a pure stream of examples, one readable loop, checkpoints that survive anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names
from macbert.pretraining.config import PretrainConfig

if TYPE_CHECKING:
    from macbert.pretraining.loop import pretrain
    from macbert.pretraining.result import PretrainResult

__all__ = ["PretrainConfig", "PretrainResult", "pretrain"]

__getattr__, __dir__ = lazy_names(__name__, {"PretrainResult": "result", "pretrain": "loop"})
