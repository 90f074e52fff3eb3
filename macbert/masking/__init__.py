"""Choosing words for prediction and putting similar words in their place, as the paper has it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.masking.collator import DataCollatorForMacBert
    from macbert.masking.config import InspectConfig, MacMasking
    from macbert.masking.counts import MaskingCounts
    from macbert.masking.inspect import inspect_text
    from macbert.masking.rows import RowMasker

_HOMES = {
    "DataCollatorForMacBert": "collator",
    "InspectConfig": "config",
    "MacMasking": "config",
    "MaskingCounts": "counts",
    "RowMasker": "rows",
    "inspect_text": "inspect",
}

__all__ = ["DataCollatorForMacBert", "InspectConfig", "MacMasking", "MaskingCounts", "RowMasker", "inspect_text"]


def __getattr__(name: str) -> Any:
    # Loaded on first use (PEP 562): `macbert --help` needs only the settings.
    if name not in _HOMES:
        raise AttributeError(f"module 'macbert.masking' has no attribute {name!r}")
    return getattr(import_module(f"macbert.masking.{_HOMES[name]}"), name)
