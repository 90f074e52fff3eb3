from __future__ import annotations

from macbert.annotations import Entity, Example
from macbert.metrics import score_classes, score_entities
from macbert.metrics.error_report import entity_report, label_report, span_errors


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


def test_classes_have_a_confusion_table_unless_they_are_no_classes() -> None:
    gold, found = ["好", "坏", "坏"], ["好", "好", "坏"]
    page = label_report(gold, found, ["甲", "乙", "丙"], score_classes(gold, found), "t")
    assert "<td>坏</td><td>1</td><td>1</td>" in page
    assert "<td>乙</td><td>坏</td><td>好</td>" in page
    many = [str(number) for number in range(60)]
    assert "columns" not in label_report(many, many, many, score_classes(many, many), "t")
