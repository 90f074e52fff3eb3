"""Answers to questions: exact match and F1 by characters, as CMRC 2018 scores them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from macbert.annotations.schema import Example
from macbert.metrics.counts import Counts, Scores

_PUNCTUATION = frozenset("-:_*^/\\~`+=,。：？！“”；’《》……·、「」（）－～『』.!?\"'()[]{}<>;@#$%&|—‘")
_PIECES = re.compile(r"[\u4e00-\u9fff]|[^\u4e00-\u9fff\s]+")


def score_answers(gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
    """Score the best answer to each question.

    ``f1`` (primary) and ``exact_match`` are means over questions of the best agreement with any gold answer, in lower
    case and without punctuation and spaces. F1 is that of CMRC 2018: 2 x LCS / lengths, where LCS is the longest common
    run of units, a Han character or a run of others being one unit. A question without an answer scores 1 when none is
    given, else 0. ``answerable_accuracy``: whether the text holds an answer at all, judged right.
    """
    exact = f1 = answerable = 0.0
    for right, found in zip(gold, predicted, strict=True):
        surfaces = [right.slice(answer) for answer in right.answers or ()]
        given = found.slice(found.answers[0]) if found.answers else ""
        answerable += bool(surfaces) == bool(found.answers)
        if not surfaces:
            exact += not found.answers
            f1 += not found.answers
            continue
        exact += max(_plain(given) == _plain(surface) for surface in surfaces)
        f1 += max(answer_f1(given, surface) for surface in surfaces)
    count = len(gold)
    metrics = {"f1": f1, "exact_match": exact, "answerable_accuracy": answerable}
    has = Counts(
        right=exact, predicted=sum(bool(x.answers) for x in predicted), gold=sum(bool(x.answers) for x in gold)
    )
    return Scores(
        "f1", {name: value / count if count else 0.0 for name, value in metrics.items()}, {"answer": has}, count
    )


def answer_f1(predicted: str, gold: str) -> float:
    """Return CMRC 2018's F1 of two answers.

    >>> answer_f1("在北京大学", "北京大学")
    0.888888888888889
    """
    a, b = _units(predicted), _units(gold)
    shared = _longest_common_run(a, b)
    if not shared:
        return float(not a and not b)
    precision, recall = shared / len(a), shared / len(b)
    return 2 * precision * recall / (precision + recall)


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c not in _PUNCTUATION and not c.isspace())


def _units(text: str) -> list[str]:
    kept = "".join(" " if c in _PUNCTUATION else c for c in text.lower())
    return _PIECES.findall(kept)


def _longest_common_run(a: Sequence[str], b: Sequence[str]) -> int:
    best = 0
    row = [0] * (len(b) + 1)
    for unit in a:
        last = 0
        for place, other in enumerate(b, 1):
            row[place], last = (last + 1 if unit == other else 0), row[place]
            best = max(best, row[place])
    return best
