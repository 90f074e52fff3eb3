"""SQuAD 1.1/2.0, CMRC 2018 and DRCD: paragraphs, questions, answers with starts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import atomic_file
from macbert.annotations.formats.records import bad_span
from macbert.annotations.reading import read_all
from macbert.annotations.schema import Answer, Example


def read_squad(path: Path) -> Iterator[Example | Problem]:
    """Read the nested JSON; an answer that does not stand where it says is a problem and is left out.

    A question all of whose answers are so is left out too, since it would read as unanswerable.
    """
    try:
        articles = json.loads(read_all(path))["data"]
    except (ValueError, KeyError, TypeError):
        raise UserError.at(path, expected="a JSON object with 'data'", found="another", fix="give SQuAD JSON") from None
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    given = [] if question.get("is_impossible") else question.get("answers") or []
                    yield from answers_example(
                        paragraph["context"],
                        question["question"],
                        [(answer["text"], answer["answer_start"]) for answer in given],
                        str(question.get("id")),
                        f"{path}:{question.get('id')}",
                        {"title": article["title"]} if article.get("title") else {},
                    )
    except (AttributeError, KeyError, TypeError) as error:
        expected = "articles with paragraphs, contexts, questions and answers"
        raise UserError.at(path, expected=expected, found=f"none at {error}", fix="give SQuAD JSON") from None


def answers_example(
    text: str, question: str, given: list[tuple[str, int]], identifier: str, where: str, extra: dict[str, Any]
) -> Iterator[Example | Problem]:
    """Yield the problems of a question's answers, and the question unless none of its answers is sound.

    Several people's answers may be the same; they are all kept, as the source has them.
    """
    answers = []
    for surface, start in given:
        if problem := bad_span(text, start, start + len(surface), surface, where, "the answer"):
            yield problem
        else:
            answers.append(Answer(start, start + len(surface)))
    if given and not answers:
        yield Problem(where, "a sound answer", "none of them", "the question was left out; mend the source")
        return
    yield Example(text, id=identifier, question=question, answers=tuple(answers), extra=extra, where=where)


def write_squad(path: Path, examples: list[Example]) -> None:
    """Write SQuAD 2.0; neighbouring questions about the same text share a paragraph."""
    articles = []
    for number, (text, group) in enumerate(itertools.groupby(examples, key=lambda example: example.text)):
        own = list(group)
        questions = [
            {
                "id": example.id or f"{number}-{place}",
                "question": example.question or "",
                "is_impossible": not example.answers,
                "answers": [{"text": example.slice(a), "answer_start": a.start} for a in example.answers or ()],
            }
            for place, example in enumerate(own)
        ]
        title = str(own[0].extra.get("title", ""))
        articles.append({"title": title, "paragraphs": [{"context": text, "qas": questions}]})
    with atomic_file(path) as stream:
        json.dump({"version": "v2.0", "data": articles}, stream, ensure_ascii=False, indent=1)
