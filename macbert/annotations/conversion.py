"""``macbert data convert``: other people's formats to ours and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import check_output_file
from corpus.outputs import own_output
from macbert.annotations.config import ConvertConfig
from macbert.annotations.formats import read_format, write_format
from macbert.annotations.schema import Example

SHOWN = 20


@dataclass(frozen=True)
class ConvertResult:
    """What a conversion came to."""

    output: str
    """What was written."""

    examples: int
    """Texts written."""

    problems: list[Problem]
    """Everything of the source that was left out or looked wrong."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        lines = [
            ("texts", f"{self.examples:,} -> {self.output}"),
            ("problems of the source", f"{len(self.problems):,}"),
        ]
        lines += [("", str(problem)) for problem in self.problems[:SHOWN]]
        more = len(self.problems) - SHOWN
        return [*lines, ("", f"and {more:,} more (--json lists all)")] if more > 0 else lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure and every problem."""
        return {"output": self.output, "examples": self.examples, "problems": [str(p) for p in self.problems]}


def convert(config: ConvertConfig, *, progress: Callable[[str, int, int | None], None] | None = None) -> ConvertResult:
    """Read one format and write another; what the source has wrong is listed, and with ``strict`` stops everything.

    Raises:
        UserError: no such input, nothing sound in it, formats that do not go together, an output that may not be
            written, or any problem with ``strict``.
    """
    if "macbert" not in (config.source, config.target):
        raise UserError.at("--target", expected="macbert on one side", found=config.target, fix="convert in two steps")
    if config.target == "brat":
        own_output(config.output, "brat")
    else:
        check_output_file(config.output)
    options: dict[str, Any] = {}
    if config.source == "conll":
        options = {"label_column": config.label_column, "separator": config.separator}
    examples: list[Example] = []
    problems: list[Problem] = []
    for item in read_format(config.source, config.input, **options):
        if isinstance(item, Problem):
            problems.append(item)
        else:
            examples.append(item)
            if progress is not None and len(examples) % 1000 == 0:
                progress("convert", len(examples), None)
    if config.strict and problems:
        raise UserError(*problems)
    if not examples:
        raise UserError(*problems[:SHOWN], Problem(config.input, f"{config.source} data", "no text", "check --source"))
    write_format(config.target, Path(config.output), examples)
    return ConvertResult(config.output, len(examples), problems)
