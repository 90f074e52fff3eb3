"""Files of labelled texts: JSON lines, plain or compressed, read whole with every mistake listed at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.readers.compression import open_bytes
from corpus.readers.records import TruncatedInput
from macbert.annotations.parsing import parse_example
from macbert.annotations.schema import Example

MAX_PROBLEMS = 200
"""Mistakes of one file that a message lists; ``macbert data validate`` lists them all."""


def read_examples(path: str | Path) -> list[Example]:
    """Return the labelled texts of a JSON-lines file (``.jsonl``, also ``.gz``, ``.zst``, ``.xz``, ``.bz2``).

    Raises:
        UserError: no such file, or lines with mistakes, each as ``file:line``.
    """
    examples, problems = scan_examples(path)
    if problems:
        more = len(problems) - MAX_PROBLEMS
        if more > 0:
            rest = Problem(str(path), "sound lines", f"{more} more mistakes", "list them all: macbert data validate")
            problems = [*problems[:MAX_PROBLEMS], rest]
        raise UserError(*problems)
    return examples


def scan_examples(path: str | Path) -> tuple[list[Example], list[Problem]]:
    """Return the sound labelled texts of a file and every mistake in the others.

    Raises:
        UserError: no such file.
    """
    examples, problems = [], []
    for value, where, problem in json_lines(path):
        if problem is not None:
            problems.append(problem)
            continue
        example, wrong = parse_example(value, where)
        problems += wrong
        if example is not None:
            examples.append(example)
    return examples, problems


def read_texts(path: str | Path) -> list[Example]:
    """Return one unlabelled text for each line of a UTF-8 text file that is not blank.

    Raises:
        UserError: no such file, or not UTF-8.
    """
    return [Example(text, where=f"{path}:{number}") for number, text in text_lines(path) if text.strip()]


def json_lines(path: str | Path) -> Iterator[tuple[Any, str, Problem | None]]:
    """Yield (value, ``file:line``, None) of each line with JSON, and (None, ``file:line``, problem) of the others.

    Lines end at ``\\n`` only: U+2028 and its like are characters of a text. Blank lines are passed over.
    """
    for number, line in enumerate(_lines(path), 1):
        where = f"{path}:{number}"
        if isinstance(line, Problem):
            yield None, where, line
            return
        text, problem = _decode(line, number, where)
        if problem is not None:
            yield None, where, problem
            return  # a file of another encoding would fail on every line
        if not text.strip():
            continue
        try:
            yield json.loads(text), where, None
        except ValueError as error:
            hint = " (a JSON array over many lines?)" if number == 1 and text.strip()[0] == "[" else ""
            found = f"{str(error).split(':')[0].lower()}{hint}"
            yield None, where, Problem(where, "one JSON object", found, "write one object a line")
        except RecursionError:
            yield None, where, Problem(where, "one JSON object", "lists nested too deep", "mend the line")


def require(examples: list[Example], key: str, path: str | Path, task: str) -> None:
    """Check that there are examples and that each has what a task is trained on or scored against.

    Raises:
        UserError: an empty set, or every line that lacks ``key``.
    """
    if not examples:
        raise UserError.at(path, expected="at least one labelled text", found="none", fix="give a file with examples")
    missing = [
        Problem(example.where or str(path), f"'{key}' (task {task})", "no such key", "add it")
        for example in examples
        if getattr(example, key) is None and (key != "label" or example.labels is None)
    ]
    if missing:
        more = len(missing) - MAX_PROBLEMS
        rest = [Problem(str(path), f"'{key}' in every line", f"{more} more without", "add it")] if more > 0 else []
        raise UserError(*missing[:MAX_PROBLEMS], *rest)


def text_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield (number, line) of a UTF-8 file, plain or compressed, line ends taken off.

    Raises:
        UserError: no such file, not UTF-8, or a damaged compressed file.
    """
    for number, line in enumerate(_lines(path), 1):
        if isinstance(line, Problem):
            raise UserError(line)
        text, problem = _decode(line, number, f"{path}:{number}")
        if problem is not None:
            raise UserError(problem)
        yield number, text.removesuffix("\r")


def read_all(path: str | Path) -> str:
    """Return a whole UTF-8 file, plain or compressed."""
    return "\n".join(text for _, text in text_lines(path))


def _decode(line: bytes, number: int, where: str) -> tuple[str, Problem | None]:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8"), None
    except UnicodeDecodeError as error:
        found = f"byte 0x{line[error.start]:02X} at column {error.start + 1}"
        fix = "turn the file into UTF-8 (iconv -f GB18030 -t UTF-8 IN > OUT)"
        return "", Problem(where, "UTF-8", found, fix)


def _lines(path: str | Path) -> Iterator[bytes | Problem]:
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise UserError.at(path, expected="a file of labelled texts (JSON lines)", found=found, fix="check the path")
    stream = open_bytes(path)
    rest = b""
    try:
        while block := stream.read(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
        if rest:
            yield rest
    except TruncatedInput as error:
        yield Problem(str(path), "a whole compressed file", str(error), "fetch or compress it again")
    finally:
        stream.close()
