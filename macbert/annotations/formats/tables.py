"""Tab-separated texts and labels, or sources and targets, under a line of column names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from corpus.errors import Problem, UserError
from corpus.files import atomic_file
from macbert.annotations.parsing import parse_example
from macbert.annotations.reading import text_lines
from macbert.annotations.schema import Example

COLUMNS = ("id", "text", "text_a", "text_b", "label", "source", "target")


def read_tsv(path: Path) -> Iterator[Example | Problem]:
    """Read columns named in the first line (``text_a  text_b  label``, ``source  target`` ...); nothing is quoted."""
    names: list[str] = []
    for number, line in text_lines(path):
        where = f"{path}:{number}"
        cells = line.split("\t")
        if not names:
            names = [cell.strip().lower() for cell in cells]
            if unknown := [name for name in names if name not in COLUMNS]:
                expected = f"column names of {', '.join(COLUMNS)}"
                raise UserError.at(where, expected=expected, found=unknown[0][:20], fix="name the columns in line 1")
            continue
        if not line:
            continue
        if len(cells) != len(names):
            yield Problem(where, f"{len(names)} columns", str(len(cells)), "mend the source")
            continue
        example, problems = parse_example({n: c for n, c in zip(names, cells, strict=True) if c or n != "label"}, where)
        yield from problems
        if example is not None:
            yield example


def write_tsv(path: Path, examples: list[Example]) -> None:
    """Write the columns that the first text has.

    Raises:
        UserError: tabs or line breaks in a text, which this form cannot hold.
    """
    keys = {"id": "id", "text": "text", "text_pair": "text_b", "label": "label"}
    if examples and examples[0].target is not None:
        keys = {"id": "id", "text": "source", "target": "target"}
    elif examples and examples[0].text_pair is not None:
        keys["text"] = "text_a"
    used = [key for key in keys if examples and getattr(examples[0], key) is not None]
    problems = []
    with atomic_file(path) as stream:
        stream.write("\t".join(keys[key] for key in used) + "\n")
        for example in examples:
            cells = [getattr(example, key) or "" for key in used]
            if any(c in cell for cell in cells for c in "\t\n\r"):
                problems.append(
                    Problem(example.where or str(path), "texts of one line", "a tab or line break", "use jsonl")
                )
            stream.write("\t".join(cells) + "\n")
        if problems:
            raise UserError(*problems)
