from __future__ import annotations

import pytest

from corpus.errors import UserError
from macbert.annotations import Argument, Entity, Event, Example, Relation, Trigger
from macbert.extraction.results import as_extraction
from macbert.extraction.wanted import keep_wanted, parse_schema, read_schema

RELATED = Example(
    "李雷和韩梅住北京",
    entities=(Entity(0, 2, "人物"), Entity(3, 5, "人物"), Entity(6, 8, "地点", 0.9)),
    relations=(Relation(0, "认识", 1), Relation(1, "居住地", 2, {"期间": 2}, 0.8)),
)
HAPPENED = Example(
    "汶川地震死伤多人", events=(Event("地震", Trigger(2, 4), (Argument("地点", 0, 2), Argument("伤亡", 6, 8)), 0.7),)
)
LABELS, INNER = ["人物", "地点", "地震"], ["认识", "居住地", "地点", "伤亡"]


def test_relations_are_kept_with_their_entities_and_numbers_follow() -> None:
    kept = keep_wanted(RELATED, read_schema([{"人物": "居住地"}], LABELS, inner=INNER))
    assert [RELATED.slice(e) for e in kept.entities or ()] == ["韩梅", "北京"]
    assert kept.relations == (Relation(0, "居住地", 1, {"期间": 1}, 0.8),)
    names = keep_wanted(RELATED, read_schema("地点", LABELS))
    assert [e.type for e in names.entities or ()] == ["地点"]
    assert names.relations == ()


def test_events_may_be_asked_for_as_uie_does() -> None:
    kept = keep_wanted(HAPPENED, read_schema({"地震触发词": ["地点"]}, LABELS, inner=INNER))
    assert [argument.role for argument in (kept.events or ())[0].arguments] == ["地点"]
    assert keep_wanted(HAPPENED, read_schema(["人物"], LABELS)).events == ()


def test_names_that_the_model_does_not_know_are_all_listed() -> None:
    with pytest.raises(UserError) as caught:
        read_schema(["人物们", {"地点": ["认视"]}, {"人物": {"认识": ["x"]}}, 3], LABELS, inner=INNER)
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "did you mean '人物'?" in text
    assert "did you mean '认识'?" in text
    with pytest.raises(UserError, match="JSON or one name"):
        parse_schema("[人物]")
    assert parse_schema("人物") == "人物"
    assert parse_schema('["人物"]') == ["人物"]


def test_results_have_uies_nested_form() -> None:
    found = as_extraction(RELATED).as_uie()
    assert found["人物"][1]["relations"]["居住地"] == [
        {
            "text": "北京",
            "start": 6,
            "end": 8,
            "probability": 0.9,
            "relations": {"期间": [{"text": "北京", "start": 6, "end": 8, "probability": 0.9}]},
        }
    ]
    events = as_extraction(HAPPENED).as_uie()["地震触发词"]
    assert events[0]["text"] == "地震"
    assert events[0]["relations"]["伤亡"] == [{"text": "多人", "start": 6, "end": 8}]
