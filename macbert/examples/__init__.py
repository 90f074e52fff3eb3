"""Token documents to rows: sentence pairs, packing, order and masks, as functions of (seed, epoch, number)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.examples.pretraining_examples import PretrainingExamples

__all__ = ["PretrainingExamples"]

__getattr__, __dir__ = lazy_names(__name__, {"PretrainingExamples": "pretraining_examples"})
