"""Fine-tuned models that read texts: typed results whose every span is a slice of the original."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.extraction.extractor import Extractor, load_extractor
    from macbert.extraction.prediction import Predictions, predict
    from macbert.extraction.results import (
        Edit,
        Extraction,
        FoundArgument,
        FoundEvent,
        FoundRelation,
        NamedSpan,
        Span,
    )

_HOME = {
    "Edit": "results",
    "Extraction": "results",
    "Extractor": "extractor",
    "FoundArgument": "results",
    "FoundEvent": "results",
    "FoundRelation": "results",
    "NamedSpan": "results",
    "Predictions": "prediction",
    "Span": "results",
    "load_extractor": "extractor",
    "predict": "prediction",
}

__all__ = [
    "Edit",
    "Extraction",
    "Extractor",
    "FoundArgument",
    "FoundEvent",
    "FoundRelation",
    "NamedSpan",
    "Predictions",
    "Span",
    "load_extractor",
    "predict",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
