"""What ``macbert chatie --dry-run`` tells: how many questions; what an answer takes, only the server knows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from corpus.dry_run import About, Plan, resident_bytes, sizes, told_seconds
from macbert.annotations import Example
from macbert.chatie.cache import ANSWERS_NAME, check_cache
from macbert.chatie.client import connection
from macbert.chatie.config import ChatSettings
from macbert.chatie.extraction import gold_labels
from macbert.chatie.schema import Schema


def chat_plan(
    examples: Sequence[Example], schema: Schema, settings: ChatSettings, source: str, output: str | None
) -> Plan:
    """Return the plan of asking about texts.

    Raises:
        MissingExtra: the openai package is not installed.
        UserError: no key, or no place for the answers.
    """
    _, address, _ = connection(settings)
    check_cache(settings.cache)
    least, most = questions(examples, schema, settings)
    number = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    rounds = math.ceil(most / settings.concurrency)
    characters = sum(len(example.text) for example in examples) / max(1, len(examples))
    answers = Path(settings.cache, ANSWERS_NAME)
    return Plan(
        sizes(
            [
                source if Path(source).is_file() else None,
                settings.schema if _is_file(settings.schema) else None,
                answers,
            ]
        ),
        [settings.cache, *([output] if output else [])],
        About(
            None,
            f"{number} questions to {address}, {settings.concurrency} at a time, less those that are in the cache; "
            f"at a second an answer {told_seconds(rounds)}",
        ),
        About(resident_bytes(), "this process"),
        About(most * (4 * characters + 2000), "each question with its text and 2,000 bytes around it"),
    )


def questions(examples: Sequence[Example], schema: Schema, settings: ChatSettings) -> tuple[int, int]:
    """Return the fewest and the most questions, further tries and the slots of style paper left out."""
    labels = len(schema.names)
    if settings.mode == "single":
        return len(examples), len(examples)
    if settings.mode == "oracle":
        known = sum(len(set(schema.names) & (gold_labels(schema.task, example) or set())) for example in examples)
        return known, known
    return len(examples), len(examples) * (1 + labels)


def _is_file(text: str | None) -> bool:
    return text is not None and not text.lstrip().startswith(("{", "[")) and Path(text).is_file()
