"""FewCLUE's sets in their own JSON: sentences, pairs, keywords of an abstract, pronouns, idioms."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.questions import RIGHT, WRONG
from macbert.annotations.formats.records import number_or_text, reads_records, write_json_lines
from macbert.annotations.schema import Example

PRONOUN = "wsc_target"
"""Where CLUEWSC's ``target`` (what refers to what) is kept: our ``target`` is another thing."""

READ = {"id", "idx", "label", "sentence", "sentence1", "sentence2", "abst", "text", "target", "candidates", "content"}
"""Keys that are read; all others are kept."""


@reads_records()
def read_fewclue(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read a record of any set; two texts become a pair, and of an idiom's candidates each becomes one.

    Keywords are joined by 、 as the second text; a pronoun asks "它指张三" of its text. Everything else is kept.
    """
    extra = {key: item for key, item in value.items() if key not in READ and key != "answer"}
    label = None if value.get("label") is None else str(value["label"])
    own = next((str(value[key]) for key in ("id", "idx") if key in value), None)
    pair = None
    if "sentence1" in value:
        text, pair = value["sentence1"], value["sentence2"]
    elif "abst" in value:
        text, pair = value["abst"], "、".join(value["keyword"])
    elif "target" in value:
        text, pair = value["text"], f"{value['target']['span2_text']}指{value['target']['span1_text']}"
        extra[PRONOUN] = value["target"]
    elif "candidates" in value:
        for number, choice in enumerate(value["candidates"]):
            right = None if "answer" not in value else RIGHT if number == value["answer"] else WRONG
            kept = {**extra, "candidate": number}
            yield Example(value["content"], id=own, text_pair=choice, label=right, extra=kept, where=where)
        return
    elif "sentence" in value:
        text = value["sentence"]
    else:
        yield Problem(where, "a record of a FewCLUE set", ", ".join(value), "give a file of that form")
        return
    if not text:
        yield Problem(where, "a text with characters", "an empty string", "mend the source")
        return
    yield Example(text, id=own, text_pair=pair, label=label, extra=extra, where=where)


def write_fewclue(path: Path, examples: list[Example]) -> None:
    """Write the form that each example was read from."""
    rows: list[dict[str, Any]] = []
    for _, group in itertools.groupby(examples, key=lambda e: (e.id, e.text, "candidate" in e.extra)):
        own = list(group)
        if "candidate" in own[0].extra:
            answer = [number for number, example in enumerate(own) if example.label == RIGHT]
            row = {"candidates": [example.text_pair for example in own], "content": own[0].text}
            extra = {key: item for key, item in own[0].extra.items() if key != "candidate"}
            rows.append({**_identity(own[0], "id"), **row, **extra, **({"answer": answer[0]} if answer else {})})
        else:
            rows += [_row(example) for example in own]
    write_json_lines(path, rows)


def _row(example: Example) -> dict[str, Any]:
    extra = {key: item for key, item in example.extra.items() if key != PRONOUN}
    label: dict[str, Any] = {} if example.label is None else {"label": example.label}
    if label and "label_desc" in extra:  # TNEWS has numbers as labels, all others strings
        label = {"label": number_or_text(str(example.label))}
    if PRONOUN in example.extra:
        return {**_identity(example, "idx"), "text": example.text, "target": example.extra[PRONOUN], **label, **extra}
    if "keyword" in extra:
        texts = {"abst": example.text}
    elif example.text_pair is not None:
        texts = {"sentence1": example.text, "sentence2": example.text_pair}
    else:
        texts = {"sentence": example.text}
    return {**_identity(example, "id"), **texts, **label, **extra}


def _identity(example: Example, name: str) -> dict[str, Any]:
    return {} if example.id is None else {name: number_or_text(example.id)}
