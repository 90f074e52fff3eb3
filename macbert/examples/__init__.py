"""Token documents to rows: sentence pairs, packing, order and masks, as functions of (seed, epoch, number)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.examples.pretraining_examples import PretrainingExamples

__all__ = ["PretrainingExamples"]


def __getattr__(name: str) -> Any:
    # Loaded on first use (PEP 562): numba takes a third of a second.
    if name != "PretrainingExamples":
        raise AttributeError(f"module 'macbert.examples' has no attribute {name!r}")
    from macbert.examples.pretraining_examples import PretrainingExamples

    return PretrainingExamples
