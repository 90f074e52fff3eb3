"""Choosing words for prediction and putting similar words in their place, as the paper has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.masking.collator import DataCollatorForMacBert
    from macbert.masking.config import InspectConfig, MacMasking
    from macbert.masking.counts import MaskingCounts
    from macbert.masking.inspect import inspect_text
    from macbert.masking.rows import RowMasker

__all__ = ["DataCollatorForMacBert", "InspectConfig", "MacMasking", "MaskingCounts", "RowMasker", "inspect_text"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "DataCollatorForMacBert": "collator",
        "InspectConfig": "config",
        "MacMasking": "config",
        "MaskingCounts": "counts",
        "RowMasker": "rows",
        "inspect_text": "inspect",
    },
)
