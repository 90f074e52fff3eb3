"""Extraction by chat (ChatIE): which labels occur, then one question for each; scored as fine-tuned models are.

After Wei et al., "Zero-Shot Information Extraction via Chatting with ChatGPT" (arXiv 2302.10205).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.chatie.config import ChatieConfig, ChatSettings, EvaluateSystemsConfig
    from macbert.chatie.evaluation import chatie, evaluate_systems
    from macbert.chatie.extraction import extract
    from macbert.chatie.result import ChatieResult, SystemsResult
    from macbert.chatie.schema import Label, Schema, read_schema, schema_of

__all__ = [
    "ChatSettings",
    "ChatieConfig",
    "ChatieResult",
    "EvaluateSystemsConfig",
    "Label",
    "Schema",
    "SystemsResult",
    "chatie",
    "evaluate_systems",
    "extract",
    "read_schema",
    "schema_of",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ChatSettings": "config",
        "ChatieConfig": "config",
        "ChatieResult": "result",
        "EvaluateSystemsConfig": "config",
        "Label": "schema",
        "Schema": "schema",
        "SystemsResult": "result",
        "chatie": "evaluation",
        "evaluate_systems": "evaluation",
        "extract": "extraction",
        "read_schema": "schema",
        "schema_of": "schema",
    },
)
