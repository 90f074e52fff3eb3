"""Documents to token ids, word boundaries and similar words (floor 1: never imports torch)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "trim_vocabulary": "surgery",
        "extend_vocabulary": "surgery",
        "TrimConfig": "config",
        "ExtendConfig": "config",
        "ChineseTokenizer": "chinese",
        "EncodeConfig": "config",
        "EncodedTexts": "encoded",
        "Encoding": "encoded",
        "Lexicon": "lexicon",
        "Segmenter": "segmenter",
        "SimilarConfig": "config",
        "SimilarWords": "similar_words",
        "TokenDocuments": "documents",
        "TrainTokenizerConfig": "config",
        "Vocabulary": "vocabulary",
        "build_similar": "similar",
        "encode_corpus": "encoding",
        "load_segmenter": "segmenter",
        "train_tokenizer": "training",
    },
)
