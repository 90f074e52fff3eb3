"""Raw files to clean, deduplicated documents (floor 0: never imports torch)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corpus.build import build_corpus
    from corpus.config import CorpusConfig, ReportCorpusConfig, VerifyCorpusConfig
    from corpus.document import Document, Filter, Transform
    from corpus.errors import MissingExtra, Problem, UserError
    from corpus.reading import corpus_shards, read_documents
    from corpus.report import CorpusReport, report_corpus
    from corpus.verify import verify_corpus

# Loaded when first asked for, so that `macbert --help` imports neither Arrow nor NumPy.
_HOMES = {
    "CorpusConfig": "corpus.config",
    "CorpusReport": "corpus.report",
    "Document": "corpus.document",
    "Filter": "corpus.document",
    "MissingExtra": "corpus.errors",
    "Problem": "corpus.errors",
    "ReportCorpusConfig": "corpus.config",
    "Transform": "corpus.document",
    "UserError": "corpus.errors",
    "VerifyCorpusConfig": "corpus.config",
    "build_corpus": "corpus.build",
    "corpus_shards": "corpus.reading",
    "read_documents": "corpus.reading",
    "report_corpus": "corpus.report",
    "verify_corpus": "corpus.verify",
}

__all__ = [
    "CorpusConfig",
    "CorpusReport",
    "Document",
    "Filter",
    "MissingExtra",
    "Problem",
    "ReportCorpusConfig",
    "Transform",
    "UserError",
    "VerifyCorpusConfig",
    "build_corpus",
    "corpus_shards",
    "read_documents",
    "report_corpus",
    "verify_corpus",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corpus' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
