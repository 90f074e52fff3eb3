"""Documents to token ids, word boundaries and similar words (floor 1: never imports torch)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizer.chinese import ChineseTokenizer
    from tokenizer.config import EncodeConfig, ExtendConfig, SimilarConfig, TrainTokenizerConfig, TrimConfig
    from tokenizer.documents import TokenDocuments
    from tokenizer.encoded import EncodedTexts, Encoding
    from tokenizer.encoding import encode_corpus
    from tokenizer.lexicon import Lexicon
    from tokenizer.segmenter import Segmenter, load_segmenter
    from tokenizer.similar import build_similar
    from tokenizer.similar_words import SimilarWords
    from tokenizer.surgery import extend_vocabulary, trim_vocabulary
    from tokenizer.training import train_tokenizer
    from tokenizer.vocabulary import Vocabulary

_HOMES = {
    "trim_vocabulary": "tokenizer.surgery",
    "extend_vocabulary": "tokenizer.surgery",
    "TrimConfig": "tokenizer.config",
    "ExtendConfig": "tokenizer.config",
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
    "ExtendConfig",
    "Lexicon",
    "Segmenter",
    "SimilarConfig",
    "SimilarWords",
    "TokenDocuments",
    "TrainTokenizerConfig",
    "TrimConfig",
    "Vocabulary",
    "build_similar",
    "encode_corpus",
    "extend_vocabulary",
    "load_segmenter",
    "train_tokenizer",
    "trim_vocabulary",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use (PEP 562): numba and tokenizers take a third of a second that `macbert --help` does not need.
    if name not in _HOMES:
        raise AttributeError(f"module 'tokenizer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
