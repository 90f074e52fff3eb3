"""Heads that transformers lacks: a constrained CRF, pointers over spans, and their exact loss."""

from __future__ import annotations

from macbert.finetuning.heads.crf import CRF
from macbert.finetuning.heads.pointer import PairHead, PointerHead
from macbert.finetuning.heads.sparse_loss import sparse_multilabel_loss

__all__ = ["CRF", "PairHead", "PointerHead", "sparse_multilabel_loss"]
