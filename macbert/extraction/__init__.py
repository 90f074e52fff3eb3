"""Fine-tuned models that read texts: typed results whose every span is a slice of the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
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
    },
)
