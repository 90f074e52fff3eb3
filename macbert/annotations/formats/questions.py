"""Reading as JSON: a question a line with answers as spans, and C3's multiple choice as one pair a choice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations.formats.records import reads_records, write_json_lines
from macbert.annotations.formats.squad import answers_example
from macbert.annotations.schema import Example

RIGHT, WRONG = "right", "wrong"
"""Labels of a pair of a text and "question + choice"."""


@reads_records("id")
def read_reading(value: dict[str, Any], where: str) -> Iterator[Example | Problem]:
    """Read ``{id, title, context, question, answers: [{text, start}]}``, and C3's
    ``{id, dialog_or_doc: [lines], questions: [{question, choice: [...], answer}]}``.

    A choice of C3 becomes a pair (the lines, question + choice) labelled right or wrong; ``choice`` and
    ``question_number`` are kept, and the lines' lengths where a line holds a line break itself.
    """
    if "context" in value:
        given = [(answer["text"], answer["start"]) for answer in value["answers"]]
        extra = {"title": value["title"]} if "title" in value else {}
        yield from answers_example(value["context"], value["question"], given, str(value["id"]), where, extra)
        return
    lines = value["dialog_or_doc"]
    broken = {"line_lengths": [len(line) for line in lines]} if any("\n" in line for line in lines) else {}
    for number, item in enumerate(value["questions"]):
        if item["answer"] not in item["choice"]:
            yield Problem(where, f"questions[{number}] with its answer among its choices", "another", "mend the source")
        for choice in item["choice"]:
            yield Example(
                "\n".join(lines),
                id=str(value["id"]),
                text_pair=f"{item['question']}{choice}",
                label=RIGHT if choice == item["answer"] else WRONG,
                extra={"choice": choice, "question_number": number, **broken},
                where=where,
            )


def write_reading(path: Path, examples: list[Example]) -> None:
    """Write the form that each example was read from."""
    rows: list[dict[str, Any]] = []
    for _, group in itertools.groupby(examples, key=lambda e: (e.id, e.text, "choice" in e.extra)):
        own = list(group)
        rows += [_choices(own)] if "choice" in own[0].extra else [_question(example) for example in own]
    write_json_lines(path, rows)


def _question(example: Example) -> dict[str, Any]:
    title = {"title": example.extra["title"]} if "title" in example.extra else {}
    answers = [{"text": example.slice(answer), "start": answer.start} for answer in example.answers or ()]
    row = {"context": example.text, "question": example.question or "", "answers": answers}
    return {"id": example.id, **title, **row}


def _choices(group: Sequence[Example]) -> dict[str, Any]:
    first = group[0]
    lengths = first.extra.get("line_lengths")
    lines = first.text.split("\n")
    if lengths is not None:
        ends = list(itertools.accumulate(length + 1 for length in lengths))
        lines = [first.text[end - length - 1 : end - 1] for end, length in zip(ends, lengths, strict=True)]
    questions = []
    for _, own in itertools.groupby(group, key=lambda e: e.extra.get("question_number")):
        pairs = [(str(example.extra["choice"]), example) for example in own]
        choice, pair = pairs[0]
        questions.append(
            {
                "question": (pair.text_pair or "").removesuffix(choice),
                "choice": [choice for choice, _ in pairs],
                "answer": next((choice for choice, example in pairs if example.label == RIGHT), ""),
            }
        )
    return {"id": first.id, "dialog_or_doc": lines, "questions": questions}
