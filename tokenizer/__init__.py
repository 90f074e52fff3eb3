"""Documents to token ids, word boundaries and similar words (floor 1: never imports torch)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizer.chinese import ChineseTokenizer, EncodedTexts, Encoding
    from tokenizer.segmenter import Segmenter, load_segmenter
    from tokenizer.vocabulary import Vocabulary

_HOMES = {
    "ChineseTokenizer": "tokenizer.chinese",
    "EncodedTexts": "tokenizer.chinese",
    "Encoding": "tokenizer.chinese",
    "Segmenter": "tokenizer.segmenter",
    "Vocabulary": "tokenizer.vocabulary",
    "load_segmenter": "tokenizer.segmenter",
}

__all__ = [
    "ChineseTokenizer",
    "EncodedTexts",
    "Encoding",
    "Segmenter",
    "Vocabulary",
    "load_segmenter",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use (PEP 562): numba and tokenizers take a third of a second that `macbert --help` does not need.
    if name not in _HOMES:
        raise AttributeError(f"module 'tokenizer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
