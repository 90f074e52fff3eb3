"""Raw files to clean, deduplicated documents (floor 0: never imports torch)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from corpus.build import build_corpus
    from corpus.config import CorpusConfig, ReportCorpusConfig, VerifyCorpusConfig
    from corpus.document import Document, Filter, Transform
    from corpus.errors import MissingExtra, Problem, UserError
    from corpus.reading import corpus_shards, read_documents
    from corpus.report import CorpusReport, report_corpus
    from corpus.verify import verify_corpus

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CorpusConfig": "config",
        "CorpusReport": "report",
        "Document": "document",
        "Filter": "document",
        "MissingExtra": "errors",
        "Problem": "errors",
        "ReportCorpusConfig": "config",
        "Transform": "document",
        "UserError": "errors",
        "VerifyCorpusConfig": "config",
        "build_corpus": "build",
        "corpus_shards": "reading",
        "read_documents": "reading",
        "report_corpus": "report",
        "verify_corpus": "verify",
    },
)
