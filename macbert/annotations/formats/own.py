"""The annotation format itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from corpus.errors import Problem
from macbert.annotations.parsing import parse_example
from macbert.annotations.reading import json_lines
from macbert.annotations.schema import Example
from macbert.annotations.writing import write_examples


def read_own(path: Path) -> Iterator[Example | Problem]:
    """Yield the examples of a file in the annotation format."""
    for value, where, problem in json_lines(path):
        if problem is not None:
            yield problem
            continue
        example, wrong = parse_example(value, where)
        yield from wrong
        if example is not None:
            yield example


def write_own(path: Path, examples: list[Example]) -> None:
    """Write the annotation format."""
    write_examples(path, examples)
