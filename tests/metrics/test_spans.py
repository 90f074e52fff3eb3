from __future__ import annotations

import random

import pytest
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

from macbert.annotations import Entity, Example
from macbert.metrics import score_entities

TYPES = ("人物", "地点", "机构")


def random_tags(rng: random.Random, length: int) -> list[str]:
    tags: list[str] = []
    while len(tags) < length:
        kind = rng.choice([None, *TYPES])
        tags += ["O"] if kind is None else [f"B-{kind}", *[f"I-{kind}"] * rng.randrange(3)]
    return tags[:length]


def as_example(tags: list[str]) -> Example:
    starts = [place for place, tag in enumerate(tags) if tag[0] == "B"]
    entities = []
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end][0] == "I":
            end += 1
        entities.append(Entity(start, end, tags[start][2:]))
    return Example("字" * len(tags), entities=tuple(entities))


@pytest.mark.parametrize("seed", range(5))
def test_strict_scores_equal_seqeval_strict(seed: int) -> None:
    rng = random.Random(seed)
    gold = [random_tags(rng, rng.randrange(1, 30)) for _ in range(40)]
    # Half of the sentences are predicted right, so that there is something to agree on.
    predicted = [tags if rng.random() < 0.5 else random_tags(rng, len(tags)) for tags in gold]
    scores = score_entities([as_example(tags) for tags in gold], [as_example(tags) for tags in predicted])
    options = {"mode": "strict", "scheme": IOB2}
    assert scores.metrics["strict_span_f1"] == pytest.approx(f1_score(gold, predicted, **options))
    assert scores.metrics["strict_span_precision"] == pytest.approx(precision_score(gold, predicted, **options))
    assert scores.metrics["strict_span_recall"] == pytest.approx(recall_score(gold, predicted, **options))
    report = classification_report(gold, predicted, output_dict=True, **options)
    assert scores.metrics["strict_span_macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])
    for label in TYPES:
        assert scores.per_type[label].f1 == pytest.approx(report[label]["f1-score"])
        assert scores.per_type[label].gold == report[label]["support"]


def test_rules_differ_as_their_names_say() -> None:
    text = "北京人在北京大学"
    gold = [Example(text, entities=(Entity(0, 2, "地点"), Entity(4, 8, "机构")))]
    # Right stretch with a wrong type; right string and type at another place.
    predicted = [Example(text, entities=(Entity(4, 8, "地点"), Entity(4, 6, "地点")))]
    metrics = score_entities(gold, predicted).metrics
    assert metrics["strict_span_f1"] == 0
    assert metrics["boundary_f1"] == pytest.approx(1 / 2)
    assert metrics["surface_f1"] == pytest.approx(1 / 2)


def test_a_span_given_twice_counts_once_and_nested_ones_count_each() -> None:
    nested = (Entity(0, 4, "机构"), Entity(0, 2, "地点"))
    scores = score_entities([Example("北京大学", entities=nested)], [Example("北京大学", entities=nested * 2)])
    assert scores.value == 1
    assert scores.per_type["地点"].predicted == 1


def test_nothing_to_find_and_nothing_found_scores_zero_as_seqeval_has_it() -> None:
    empty = [Example("无", entities=())]
    assert score_entities(empty, empty).value == 0
    assert score_entities([], []).value == 0
