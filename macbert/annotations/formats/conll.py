"""BIO, BIOES and BMES in columns: a character (or word) and its tag a line, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import atomic_file
from macbert.annotations.reading import text_lines
from macbert.annotations.schema import Entity, Example

_BEGINS, _GOES_ON, _ENDS = frozenset("BSU"), frozenset("IMEL"), frozenset("ESLU")
_WEIBO = re.compile(r"(.)\d")  # Weibo writes the segmentation behind the character: 一0


def read_conll(path: Path, label_column: int = -1, separator: str = "") -> Iterator[Example | Problem]:
    """Read tab- or space-separated columns; Weibo's digit behind each character is taken off.

    A line whose character is missing stands for a space. A tag that cannot follow the one before it (I- after O) is a
    problem of its line and begins an entity.
    """
    rows: list[tuple[str, str, str]] = []
    for number, line in text_lines(path):
        where = f"{path}:{number}"
        if not line.strip():
            if rows:
                yield from _sentence(rows, separator)
            rows = []
            continue
        columns = line.split("\t") if "\t" in line else line.rsplit(" ", 1) if label_column == -1 else line.split(" ")
        if len(columns) < 2:
            yield Problem(where, "a character and its tag", f"{len(columns)} column", "mend the source")
            continue
        word = columns[0] or " "
        weibo = _WEIBO.fullmatch(word)
        rows.append((weibo.group(1) if weibo else word, columns[label_column].strip(), where))
    if rows:
        yield from _sentence(rows, separator)


def tag_spans(tags: Sequence[str], wheres: Sequence[str]) -> tuple[list[tuple[int, int, str]], list[Problem]]:
    """Return (first, last, type) of the entities of tags in any of BIO, BIOES, BMES, BILOU, and the faults."""
    spans: list[tuple[int, int, str]] = []
    problems = []
    open_type = None
    for place, (tag, where) in enumerate(zip(tags, wheres, strict=True)):
        prefix, _, kind = tag.partition("-")
        if tag in ("O", "o", ""):
            open_type = None
            continue
        if not kind or prefix not in _BEGINS | _GOES_ON:
            problems.append(Problem(where, "O or a tag such as B-PER", f"'{tag}'", "mend the source"))
            open_type = None
            continue
        if prefix in _GOES_ON and open_type == kind:
            spans[-1] = (spans[-1][0], place, kind)
        else:
            if prefix in _GOES_ON:
                fix = "read as a beginning; mend the source"
                problems.append(Problem(where, f"B-{kind} or S-{kind} before it", f"'{tag}' after another", fix))
            spans.append((place, place, kind))
        open_type = None if prefix in _ENDS else kind
    return spans, problems


def write_conll(path: Path, examples: list[Example]) -> None:
    """Write BIO with a tab, one character a line.

    Raises:
        UserError: entities that overlap, or line breaks in a text; BIO has no words for either.
    """
    problems = []
    with atomic_file(path) as stream:
        for example in examples:
            where = example.where or str(path)
            tags, crossing = bio_tags(len(example.text), [(e.start, e.end - 1, e.type) for e in example.entities or ()])
            fix = "write another format (doccano, brat)"
            for first, last, _ in crossing:
                found = f"'{example.text[first : last + 1][:20]}' overlapping another"
                problems.append(Problem(where, "entities apart", found, fix))
            if "\n" in example.text or "\t" in example.text:
                problems.append(Problem(where, "a text of one line", "a line break or tab", "write another format"))
            stream.writelines(f"{c}\t{tag}\n" for c, tag in zip(example.text, tags, strict=True))
            stream.write("\n")
        if problems:
            raise UserError(*problems)


def bio_tags(count: int, spans: Iterable[tuple[int, int, str]]) -> tuple[list[str], list[tuple[int, int, str]]]:
    """Return the BIO tags of ``count`` units, and the (first, last, type) that overlap an earlier one: they have none.

    >>> bio_tags(4, [(0, 1, "人物"), (1, 2, "地点"), (3, 3, "地点")])
    (['B-人物', 'I-人物', 'O', 'B-地点'], [(1, 2, '地点')])
    """
    tags, crossing = ["O"] * count, []
    for first, last, kind in sorted(spans):
        if any(tag != "O" for tag in tags[first : last + 1]):
            crossing.append((first, last, kind))
            continue
        tags[first : last + 1] = [f"B-{kind}", *[f"I-{kind}"] * (last - first)]
    return tags, crossing


def _sentence(rows: list[tuple[str, str, str]], separator: str) -> Iterator[Example | Problem]:
    words = [word for word, _, _ in rows]
    yield from words_example(words, [tag for _, tag, _ in rows], [where for *_, where in rows], separator)


def words_example(
    words: Sequence[str],
    tags: Sequence[str],
    wheres: Sequence[str],
    separator: str,
    extra: Mapping[str, Any] | None = None,
) -> Iterator[Example | Problem]:
    """Yield the problems of a tagged sentence, and the example that its joined words make, with ``extra``."""
    starts, position = [], 0
    for word in words:
        starts.append(position)
        position += len(word) + len(separator)
    spans, problems = tag_spans(tags, wheres)
    yield from problems
    entities = tuple(Entity(starts[a], starts[b] + len(words[b]), kind) for a, b, kind in spans)
    yield Example(separator.join(words), entities=entities, extra=extra or {}, where=wheres[0])
