"""``macbert predict``: texts from flags or a file to the annotation format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.dry_run import Plan, planned
from corpus.errors import UserError
from corpus.files import check_output_file
from corpus.readers.compression import SUFFIXES
from macbert.annotations import Example, example_as_json, read_examples, write_examples
from macbert.annotations.reading import read_texts
from macbert.extraction.extractor import Extractor, load_extractor
from macbert.extraction.wanted import Schema, parse_schema
from macbert.finetuning.config import PredictConfig
from macbert.finetuning.forward import Progress


@dataclass(frozen=True)
class Predictions:
    """What a model says of the texts."""

    examples: list[Example]
    """In the order of the texts."""

    output: str | None
    """The file they were written to, if any."""

    def lines(self) -> list[str]:
        """Return the predictions as JSON lines, or where they are."""
        if self.output is not None:
            return [f"{len(self.examples):,} texts -> {self.output}"]
        return [json.dumps(value, ensure_ascii=False) for value in self.as_json()]

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        return [("texts", f"{len(self.examples):,}"), ("output", self.output or "printed")]

    def as_json(self) -> list[dict[str, Any]]:
        """Return the predictions in the annotation format, with the characters of every span."""
        return [example_as_json(example, surfaces=True) for example in self.examples]


def predict(config: PredictConfig, *, progress: Progress | None = None) -> Predictions:
    """Read texts with a fine-tuned model.

    Raises:
        UserError: no such model or file, lines with mistakes (all listed), or an output that is a folder.
    """
    if config.output is not None:
        check_output_file(config.output)
    schema = None if config.schema is None else parse_schema(config.schema)
    extractor = load_extractor(config.model, task=config.task)
    examples = [Example(text) for text in config.text]
    if config.input is not None:
        name = Path(config.input)
        plain = name.with_suffix("") if name.suffix in SUFFIXES else name
        examples = read_texts(name) if plain.suffix == ".txt" else read_examples(name)
        if not examples:
            raise UserError.at(name, expected="at least one text", found="none", fix="give a file with texts")
    batch = config.max_batch_tokens
    planned(lambda: _plan(config, extractor, examples, schema))
    predicted = extractor.predict(examples, schema=schema, max_batch_tokens=batch, progress=progress)
    if config.output is not None:
        write_examples(config.output, predicted, surfaces=True)
    return Predictions(predicted, config.output)


def _plan(config: PredictConfig, extractor: Extractor, examples: list[Example], schema: Schema | None) -> Plan:
    from macbert.finetuning.planning import reading_plan

    return reading_plan(
        lambda some: extractor.predict(some, schema=schema, max_batch_tokens=config.max_batch_tokens),
        examples,
        reads=[config.model, config.input],
        writes=[config.output],
    )
