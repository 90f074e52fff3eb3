"""Words or tokens with their tags as JSON: ``{tokens, tags}``, ``{words, pos}``, ``{words}``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from macbert.annotations.formats.conll import bio_tags, words_example
from macbert.annotations.formats.records import reads_records, write_json_lines
from macbert.annotations.schema import Example

NAMES = {"nr": "人物", "ns": "地点", "nt": "机构"}
"""Tags of the PKU scheme that are names."""

WORD = "词"
"""Type of every word of a text that has only words: strict span F1 is then the F1 of word segmentation."""


@reads_records()
def read_tags(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``{tokens, tags}`` (joined by spaces), ``{words, pos}`` (joined by nothing; nr, ns, nt are names, and words
    and pos are kept) and ``{words}`` (every word an entity)."""
    if "tokens" in value:
        yield from words_example(value["tokens"], value["tags"], [where] * len(value["tokens"]), " ")
    elif "pos" in value:
        tags = [f"S-{NAMES[tag]}" if tag in NAMES else "O" for tag in value["pos"]]
        kept = {"words": value["words"], "pos": value["pos"]}
        yield from words_example(value["words"], tags, [where] * len(value["words"]), "", kept)
    elif "words" in value:
        yield from words_example(value["words"], [f"S-{WORD}"] * len(value["words"]), [where] * len(value["words"]), "")
    else:
        yield Problem(where, "'tokens' and 'tags', or 'words'", "neither", "give a file of that form")


def write_tags(path: Path, examples: list[Example]) -> None:
    """Write the form that each text was read from; a text of another origin as ``{tokens, tags}`` (BIO), cut at spaces.

    Raises:
        UserError: entities that overlap, or that begin or end inside a token.
    """
    rows, problems = [], []
    for example in examples:
        if "pos" in example.extra:
            rows.append({"words": example.extra["words"], "pos": example.extra["pos"]})
            continue
        spans = [(e.start, e.end) for e in example.entities or () if e.type == WORD]
        if spans and spans == [(e.start, e.end) for e in example.entities or ()] and _tiles(spans, len(example.text)):
            rows.append({"words": [example.text[start:end] for start, end in spans]})
            continue
        tokens = example.text.split(" ")
        starts = list(itertools.accumulate((len(token) + 1 for token in tokens), initial=0))[:-1]
        firsts = {start: number for number, start in enumerate(starts)}
        lasts = {start + len(token): number for number, (start, token) in enumerate(zip(starts, tokens, strict=True))}
        placed = [e for e in example.entities or () if e.start in firsts and e.end in lasts]
        tags, crossing = bio_tags(len(tokens), [(firsts[e.start], lasts[e.end], e.type) for e in placed])
        if crossing or len(placed) < len(example.entities or ()):
            fix = "write another format (doccano, brat)"
            expected = "entities of whole tokens (cut at spaces), apart from each other"
            problems.append(Problem(example.where or str(path), expected, "others", fix))
        rows.append({"tokens": tokens, "tags": tags})
    if problems:
        raise UserError(*problems)
    write_json_lines(path, rows)


def _tiles(spans: Sequence[tuple[int, int]], length: int) -> bool:
    return [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])] and spans[-1][1] == length
