"""One question for a test: ask a server about texts with gold, and the figure that systems are compared by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oracle_server import OracleServer

from macbert.annotations import Example
from macbert.chatie.config import ChatSettings
from macbert.chatie.evaluation import ask_and_score
from macbert.chatie.result import SHARED_METRIC, ChatieResult


def ask(examples: list[Example], task: str, server: OracleServer, cache: Path, **more: Any) -> ChatieResult:
    settings = {"base_url": server.base_url, "cache": str(cache), "backoff": 0.0, "concurrency": 4, **more}
    return ask_and_score(examples, task, "oracle", ChatSettings(**settings), "gold.jsonl")


def f1(result: ChatieResult) -> float:
    assert result.scores is not None
    return result.scores.metrics[f"{SHARED_METRIC[result.task]}_f1"]
