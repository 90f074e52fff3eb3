"""Raw Chinese text to a pretrained MacBERT-style encoder, and on to classifiers and information extractors.

Names are loaded when first used, so that ``import macbert`` and ``macbert --help`` never load torch.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corpus import Document, build_corpus, read_documents
    from macbert.examples import PretrainingExamples
    from macbert.extraction import load_extractor
    from macbert.finetuning import FinetuneConfig, finetune
    from macbert.masking import MacMasking
    from macbert.modeling import MacBertForPreTraining
    from macbert.pretraining import PretrainConfig, pretrain
    from tokenizer import ChineseTokenizer, SimilarWords

__version__ = "0.1.0"

_HOME = {
    "Document": "corpus",
    "build_corpus": "corpus",
    "read_documents": "corpus",
    "ChineseTokenizer": "tokenizer",
    "SimilarWords": "tokenizer",
    "MacMasking": "macbert.masking",
    "PretrainingExamples": "macbert.examples",
    "MacBertForPreTraining": "macbert.modeling",
    "PretrainConfig": "macbert.pretraining",
    "pretrain": "macbert.pretraining",
    "FinetuneConfig": "macbert.finetuning",
    "finetune": "macbert.finetuning",
    "load_extractor": "macbert.extraction",
}

__all__ = [
    "ChineseTokenizer",
    "Document",
    "FinetuneConfig",
    "MacBertForPreTraining",
    "MacMasking",
    "PretrainConfig",
    "PretrainingExamples",
    "SimilarWords",
    "__version__",
    "build_corpus",
    "finetune",
    "load_extractor",
    "pretrain",
    "read_documents",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'macbert' has no attribute {name!r}")
    if hidden := floor_messages():
        raise ImportError("\n".join(hidden))
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def foreign_floors() -> dict[str, str]:
    """Return the floors that another package hides, by name, with the path that Python would import instead of ours.

    ``corpus`` and ``tokenizer`` are common names: another distribution, or a file in the working folder, may own them.
    Nothing is imported to find out.
    """
    ours = Path(__file__).resolve().parent.parent
    hidden = {}
    for floor in ("corpus", "tokenizer"):
        spec = importlib.util.find_spec(floor)
        origin = spec.origin if spec else None
        if origin is None or Path(origin).resolve() != ours / floor / "__init__.py":
            hidden[floor] = origin or "nothing"
    return hidden


def floor_messages() -> list[str]:
    """Return one line for each hidden floor: the foreign path, and what to do."""
    fix = "rename or uninstall it, or run from another folder: the name belongs to macbert-zh here"
    return [
        f"{path}: expected macbert-zh's '{floor}' package, found {path}; {fix}"
        for floor, path in foreign_floors().items()
    ]
