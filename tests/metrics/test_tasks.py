"""Hand-worked cases of the rules for relations, events, reading and spelling."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from macbert.annotations import Answer, Argument, Entity, Event, Example, Relation, Trigger
from macbert.metrics import score_answers, score_corrections, score_entities, score_events, score_relations
from macbert.metrics.events import character_f1
from macbert.metrics.reading import answer_f1

BOOK = Example(
    "《Python》的作者是李雷和韩梅",
    entities=(Entity(0, 8, "作品"), Entity(1, 7, "作品"), Entity(12, 14, "人物"), Entity(15, 17, "人物")),
)


def related(*relations: Relation) -> list[Example]:
    return [replace(BOOK, relations=relations)]


def test_duie_compares_lower_case_strings_without_book_marks_and_whole_objects() -> None:
    gold = related(Relation(1, "作者", 2), Relation(1, "作者", 3, {"inWork": 1}))
    # The marked title counts as the same; a missing slot does not; said twice counts once.
    found = score_relations(
        gold, related(Relation(0, "作者", 2), Relation(1, "作者", 2), Relation(1, "作者", 3))
    ).metrics
    assert found["duie_precision"] == pytest.approx(1 / 2)
    assert found["duie_recall"] == pytest.approx(1 / 2)
    assert found["span_precision"] == pytest.approx(1 / 3)


def test_duie_has_two_numerators_when_aliases_are_given() -> None:
    text = "李雷又名李小雷，住北京"
    entities = (Entity(0, 2, "人物"), Entity(4, 7, "人物"), Entity(9, 11, "地点"))
    gold = [Example(text, entities=entities, relations=(Relation(0, "居住地", 2),))]
    both = (Relation(0, "居住地", 2), Relation(1, "居住地", 2))
    scores = score_relations(gold, [Example(text, entities=entities, relations=both)], {"李雷": ["李小雷"]})
    assert scores.per_type["居住地"].precision == 1
    assert scores.per_type["居住地"].recall == 1
    assert score_relations(gold, [Example(text, entities=entities, relations=both)]).metrics["duie_precision"] == 0.5


def test_types_count_only_where_the_rule_says_so() -> None:
    gold = related(Relation(1, "作者", 2))
    other = replace(
        BOOK, entities=(*(BOOK.entities or ())[:2], Entity(12, 14, "机构")), relations=(Relation(1, "作者", 2),)
    )
    metrics = score_relations(gold, [other]).metrics
    assert (metrics["duie_f1"], metrics["typed_f1"], metrics["span_f1"]) == (1, 0, 1)


TEXT = "北京大学和清华大学在北京夺冠"


def happened(kind: str, *arguments: tuple[str, int, int], aliases: tuple[str, ...] = ()) -> list[Example]:
    made = tuple(Argument(role, start, end, aliases) for role, start, end in arguments)
    return [Example(TEXT, events=(Event(kind, Trigger(12, 14), made),))]


def test_duee_gives_part_of_the_credit_for_part_of_the_characters() -> None:
    gold = happened("夺冠", ("冠军", 0, 4))
    metrics = score_events(gold, happened("夺冠", ("冠军", 0, 2))).metrics
    assert metrics["duee_f1"] == pytest.approx(2 * 2 / (2 + 4))
    assert metrics["strict_argument_f1"] == 0
    assert metrics["trigger_f1"] == metrics["event_type_f1"] == 1
    assert score_events(gold, happened("夺冠", ("亚军", 0, 4))).value == 0
    assert score_events(gold, happened("落败", ("冠军", 0, 4))).value == 0
    accepted = happened("夺冠", ("冠军", 0, 4), aliases=("北京",))
    assert score_events(accepted, happened("夺冠", ("冠军", 0, 2))).value == 1


def test_duee_pairs_arguments_one_to_one_for_the_greatest_sum() -> None:
    gold = happened("夺冠", ("冠军", 0, 4), ("冠军", 5, 9))
    # Both predictions like the first gold best; taken greedily the sum would be smaller.
    found = score_events(gold, happened("夺冠", ("冠军", 0, 4), ("冠军", 0, 2)))
    table = [[character_f1(p, g) for g in ("北京大学", "清华大学")] for p in ("北京大学", "北京")]
    best = max(sum(table[i][j] for i, j in enumerate(order)) for order in itertools.permutations(range(2)))
    assert found.metrics["duee_precision"] == pytest.approx(best / 2)


def test_whole_events_must_agree_in_every_part() -> None:
    gold = happened("夺冠", ("冠军", 0, 4), ("地点", 10, 12))
    assert score_events(gold, happened("夺冠", ("地点", 10, 12), ("冠军", 0, 4))).metrics["whole_event_f1"] == 1
    assert score_events(gold, happened("夺冠", ("冠军", 0, 4))).metrics["whole_event_f1"] == 0


def asked(*spans: tuple[int, int]) -> Example:
    return Example("李雷在北京大学工作", question="在哪？", answers=tuple(Answer(*span) for span in spans))


def test_answers_are_compared_with_the_best_gold_one() -> None:
    metrics = score_answers([asked((3, 5), (3, 7))], [asked((3, 7))]).metrics
    assert (metrics["exact_match"], metrics["f1"]) == (1, 1)
    metrics = score_answers([asked((3, 7))], [asked((2, 7))]).metrics
    assert metrics["exact_match"] == 0
    assert metrics["f1"] == pytest.approx(2 * (4 / 5) * 1 / (4 / 5 + 1))


def test_saying_nothing_is_right_only_where_there_is_nothing() -> None:
    metrics = score_answers([asked(), asked(), asked((3, 5))], [asked(), asked((0, 2)), asked()]).metrics
    assert metrics["exact_match"] == metrics["f1"] == pytest.approx(1 / 3)
    assert metrics["answerable_accuracy"] == pytest.approx(1 / 3)


def test_answers_count_runs_of_han_characters_and_other_words() -> None:
    assert answer_f1("iPhone 15", "iPhone15") == 0
    assert answer_f1("《红楼梦》", "红楼梦") == 1
    assert answer_f1("1998年", "1998 年") == 1
    # The longest common run, not a subsequence: 北, then 京大 broken by 的.
    assert answer_f1("北京的大学", "北京大学") == pytest.approx(2 * (2 / 5) * (2 / 4) / (2 / 5 + 2 / 4))


def corrected(source: str, target: str) -> Example:
    return Example(source, target=target)


def test_spelling_rules_part_where_they_are_said_to() -> None:
    gold = [
        corrected("天汽好", "天气好"),
        corrected("天汽坏", "天气坏"),
        corrected("很好", "很好"),
        corrected("不好", "不好"),
    ]
    found = [
        corrected("天汽好", "天气好"),
        corrected("天汽坏", "天弃坏"),
        corrected("很好", "狠好"),
        corrected("不好", "不好"),
    ]
    metrics = score_corrections(gold, found).metrics
    assert metrics["sentence_correction_precision"] == pytest.approx(1 / 3)
    assert metrics["sentence_correction_recall"] == pytest.approx(1 / 2)
    assert metrics["sentence_detection_precision"] == pytest.approx(2 / 3)
    assert metrics["pycorrector_correction_precision"] == pytest.approx(1 / 2)
    assert metrics["character_detection_precision"] == pytest.approx(2 / 3)
    assert metrics["character_correction_recall"] == pytest.approx(1 / 2)
    assert metrics["over_correction_rate"] == pytest.approx(1 / 2)


def test_doing_nothing_corrects_nothing_and_harms_nothing() -> None:
    gold = [corrected("天汽", "天气"), corrected("好", "好")]
    metrics = score_corrections(gold, [corrected("天汽", "天汽"), corrected("好", "好")]).metrics
    assert metrics["sentence_correction_f1"] == metrics["over_correction_rate"] == 0


def test_the_official_cluener_score_is_the_mean_over_types_of_surface_sets() -> None:
    text = "北京的北京大学"
    gold = [Example(text, entities=(Entity(0, 2, "地点"), Entity(3, 7, "机构")))]
    # 北京 at the other place is the same surface; nothing of 机构 is found.
    metrics = score_entities(gold, [Example(text, entities=(Entity(3, 5, "地点"),))]).metrics
    assert metrics["cluener_f1"] == pytest.approx((1 + 0) / 2)
    assert metrics["strict_span_f1"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_gold_scores_one_under_every_rule(seed: int) -> None:
    rng = random.Random(seed)
    spans = [(a, a + rng.randrange(1, 4)) for a in rng.sample(range(9), 4)]
    example = Example(
        TEXT,
        entities=tuple(Entity(*span, rng.choice("xy")) for span in spans),
        relations=(Relation(0, "p", 1), Relation(2, "p", 1, {"s": 3})),
        events=(Event("e", Trigger(*spans[0]), tuple(Argument("r", *span) for span in spans[1:])),),
        answers=(Answer(*spans[0]),),
    )
    for score in (score_entities, score_relations, score_events, score_answers):
        figures = score([example], [example]).metrics
        assert set(figures.values()) == {1}, figures
