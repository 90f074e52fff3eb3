"""Heads that transformers lacks: a constrained CRF, pointers over spans, and their exact loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.finetuning.heads.crf import CRF
    from macbert.finetuning.heads.pointer import PairHead, PointerHead
    from macbert.finetuning.heads.sparse_loss import sparse_multilabel_loss

__all__ = ["CRF", "PairHead", "PointerHead", "sparse_multilabel_loss"]

__getattr__, __dir__ = lazy_names(
    __name__, {"CRF": "crf", "PairHead": "pointer", "PointerHead": "pointer", "sparse_multilabel_loss": "sparse_loss"}
)
