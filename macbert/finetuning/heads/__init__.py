"""Heads that transformers lacks: a constrained CRF, pointers over spans, and their exact loss."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.finetuning.heads.crf import CRF
    from macbert.finetuning.heads.pointer import PairHead, PointerHead
    from macbert.finetuning.heads.sparse_loss import sparse_multilabel_loss

# Loaded on first use: reading an exported model takes the parts without torch.
_HOME = {"CRF": "crf", "PairHead": "pointer", "PointerHead": "pointer", "sparse_multilabel_loss": "sparse_loss"}

__all__ = ["CRF", "PairHead", "PointerHead", "sparse_multilabel_loss"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
