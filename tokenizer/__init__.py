"""Documents to token ids, word boundaries and similar words (floor 1: never imports torch)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizer.chinese import ChineseTokenizer
    from tokenizer.config import EncodeConfig, SimilarConfig, TrainTokenizerConfig
    from tokenizer.documents import TokenDocuments
    from tokenizer.encoded import EncodedTexts, Encoding
    from tokenizer.encoding import encode_corpus
    from tokenizer.lexicon import Lexicon
    from tokenizer.segmenter import Segmenter, load_segmenter
    from tokenizer.similar import build_similar
    from tokenizer.similar_words import SimilarWords
    from tokenizer.training import train_tokenizer
    from tokenizer.vocabulary import Vocabulary

_HOMES = {
    "ChineseTokenizer": "tokenizer.chinese",
    "EncodeConfig": "tokenizer.config",
    "EncodedTexts": "tokenizer.encoded",
    "Encoding": "tokenizer.encoded",
    "Lexicon": "tokenizer.lexicon",
    "Segmenter": "tokenizer.segmenter",
    "SimilarConfig": "tokenizer.config",
    "SimilarWords": "tokenizer.similar_words",
    "TokenDocuments": "tokenizer.documents",
    "TrainTokenizerConfig": "tokenizer.config",
    "Vocabulary": "tokenizer.vocabulary",
    "build_similar": "tokenizer.similar",
    "encode_corpus": "tokenizer.encoding",
    "load_segmenter": "tokenizer.segmenter",
    "train_tokenizer": "tokenizer.training",
}

__all__ = [
    "ChineseTokenizer",
    "EncodeConfig",
    "EncodedTexts",
    "Encoding",
    "Lexicon",
    "Segmenter",
    "SimilarConfig",
    "SimilarWords",
    "TokenDocuments",
    "TrainTokenizerConfig",
    "Vocabulary",
    "build_similar",
    "encode_corpus",
    "load_segmenter",
    "train_tokenizer",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use (PEP 562): numba and tokenizers take a third of a second that `macbert --help` does not need.
    if name not in _HOMES:
        raise AttributeError(f"module 'tokenizer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
