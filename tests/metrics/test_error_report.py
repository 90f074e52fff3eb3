from __future__ import annotations

from macbert.annotations import Argument, Entity, Event, Example, Trigger
from macbert.metrics import score_classes, score_entities, score_events
from macbert.metrics.error_report import entity_report, event_report, label_report, span_errors


def test_each_disagreement_is_named_once() -> None:
    gold = [Entity(0, 2, "x"), Entity(3, 5, "x"), Entity(6, 9, "x"), Entity(10, 11, "y")]
    predicted = [Entity(0, 2, "x"), Entity(3, 5, "y"), Entity(7, 9, "x"), Entity(12, 13, "y")]
    kinds = [(e.kind, e.gold and e.gold.start, e.predicted and e.predicted.start) for e in span_errors(gold, predicted)]
    assert kinds == [("type", 3, 3), ("boundary", 6, 7), ("missed", 10, None), ("spurious", None, 12)]


def test_the_page_shows_the_text_safely() -> None:
    gold = [Example("<b>北京&上海", entities=(Entity(3, 5, "地点"), Entity(6, 8, "地点")))]
    predicted = [Example(gold[0].text, entities=(Entity(3, 5, "机构"),))]
    page = entity_report(gold, predicted, score_entities(gold, predicted), "<标题>")
    assert "&lt;b&gt;<mark class=type>北京</mark>&amp;<mark class=missed>上海</mark>" in page
    assert "<h1>&lt;标题&gt;</h1>" in page
    assert "http" not in page
    assert "<td>地点</td><td>机构</td><td>1</td>" in page


def test_events_are_shown_as_their_triggers_and_arguments() -> None:
    text = "汶川地震死伤多人，北京地震"
    gold = [
        Example(
            text,
            events=(
                Event("地震", Trigger(2, 4), (Argument("地点", 0, 2), Argument("伤亡", 6, 8))),
                Event("地震", Trigger(11, 13), (Argument("地点", 9, 11), Argument("伤亡", 6, 8))),
            ),
        )
    ]
    predicted = [Example(text, events=(Event("地震", Trigger(2, 4), (Argument("地点", 0, 1),)),))]
    page = event_report(gold, predicted, score_events(gold, predicted), "t")
    assert "<mark class=boundary>汶川</mark><mark class=missed>" not in page
    assert "<mark class=boundary>汶川</mark>地震" in page
    assert page.count("gold 多人 [6, 8) 地震/伤亡") == 1
    assert "found 汶 [0, 1) 地震/地点" in page
    assert "<td>missed</td><td>3</td>" in page


def test_classes_have_a_confusion_table_unless_they_are_no_classes() -> None:
    gold, found = ["好", "坏", "坏"], ["好", "好", "坏"]
    page = label_report(gold, found, ["甲", "乙", "丙"], score_classes(gold, found), "t")
    assert "<td>坏</td><td>1</td><td>1</td>" in page
    assert "<td>乙</td><td>坏</td><td>好</td>" in page
    many = [str(number) for number in range(60)]
    assert "columns" not in label_report(many, many, many, score_classes(many, many), "t")
