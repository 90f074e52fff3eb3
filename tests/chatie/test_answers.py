"""Answers as chat models write them, one by one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from macbert.chatie.answers.items import event_items, name_items, relation_items
from macbert.chatie.answers.loose_json import json_values
from macbert.chatie.answers.names import read_names
from macbert.chatie.answers.plain import clean
from macbert.chatie.answers.tables import read_rows
from macbert.chatie.grounding import Grounding
from macbert.chatie.schema import Label, Schema, read_schema

KNOWN = ["导演", "编剧", "出生地", "父亲", "财经/交易-出售/收购"]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('{"types": ["导演", "编剧"]}', ["导演", "编剧"]),
        ("(导演, 编剧)", ["导演", "编剧"]),
        ("（导演，编剧）", ["导演", "编剧"]),
        ("(导演、编剧)", ["导演", "编剧"]),
        ("导演, 编剧", ["导演", "编剧"]),
        ("导演；编剧。", ["导演", "编剧"]),
        ("1. 导演\n2. 编剧", ["导演", "编剧"]),
        ("- **导演**\n- **编剧**", ["导演", "编剧"]),
        ("['导演', '编剧']", ["导演", "编剧"]),
        ("事件类型: 财经/交易-出售/收购", ["财经/交易-出售/收购"]),
        ("这个句子包含的关系有：导演、编剧。", ["导演", "编剧"]),
        ("句子里有导演关系，也有编剧关系。", ["导演", "编剧"]),
        ("没有导演关系", []),
        ("无", []),
        ("None.", []),
        ('{"types": []}', []),
        ("[]", []),
        ("", []),
        ("导演", ["导演"]),
    ],
)
def test_labels_are_read_from_every_form(reply: str, expected: list[str]) -> None:
    notes: Counter[str] = Counter()
    assert read_names(clean(reply), KNOWN, notes) == expected
    assert notes["unknown_label"] == 0


def test_latin_labels_are_whole_words() -> None:
    assert read_names("The sentence mentions organizations (ORG).", ["ORG", "PER", "MISC"], Counter()) == ["ORG"]
    assert read_names("a person", ["PER"], Counter()) == []


@pytest.mark.parametrize(
    ("reply", "rows"),
    [
        ("| 主体 | 客体 |\n|---|---|\n| 李雷 | 北京 |", [["李雷", "北京"]]),
        ("| 主体 | 客体 |\n| 李雷 | 北京 |", [["李雷", "北京"]]),
        ("| 李雷 | 北京 |", [["李雷", "北京"]]),
        ("主体 | 客体\n--- | ---\n李雷 | 北京", [["李雷", "北京"]]),
        ("｜主体｜客体｜\n｜：－｜－｜\n｜李雷｜北京｜".replace("－", "-"), [["李雷", "北京"]]),
        ("|a\\|b|北京|", [["a|b", "北京"]]),
        ("|甲<br>乙|北京|", [["甲\n乙", "北京"]]),
        ("|李雷||", [["李雷", ""]]),
        ('["李雷", "北京"]\n["韩梅梅", "上海"]', [["李雷", "北京"], ["韩梅梅", "上海"]]),
        ('[["李雷", "北京"], ["韩梅梅", "上海"]]', [["李雷", "北京"], ["韩梅梅", "上海"]]),
        ('[{"主体": "李雷", "客体": "北京"}]', [["李雷", "北京"]]),
        ("（李雷，北京）", [["李雷", "北京"]]),
        ("1. (李雷, 北京)", [["李雷", "北京"]]),
        ("| 无 | 无 |", []),
        ("无", []),
        ("句子中没有这样的实体。", []),
        ("[]", []),
    ],
)
def test_rows_are_read_from_every_form(reply: str, rows: list[list[str]]) -> None:
    notes: Counter[str] = Counter()
    assert read_rows(reply, ["主体", "客体"], notes)[0] == rows
    assert notes["unreadable"] == 0


def test_a_reply_without_rows_is_counted_as_unreadable() -> None:
    notes: Counter[str] = Counter()
    assert read_rows("这是一个有趣的问题，请让我想想。", ["主体"], notes)[0] == []
    assert notes == {"unreadable": 1}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('{"entities": ["李雷", "北京"]}', ["李雷", "北京"]),
        ('["李雷"]', ["李雷"]),
        ('{"entities": [{"text": "李雷", "type": "人物"}]}', ["李雷"]),
        ('[["李雷", "人物"]]', ["李雷"]),
        ('["李雷", "人物"]\n["北京", "人物"]', ["李雷", "北京"]),
        ('{"names": ["李雷"]}', ["李雷"]),
        ('{"text": "李雷"}', ["李雷"]),
        ('{"entities": ["无"]}', []),
        ("无", []),
    ],
)
def test_names_are_read_from_every_form(reply: str, expected: list[str]) -> None:
    notes: Counter[str] = Counter()
    assert [item.text for item in name_items(reply, "人物", notes)] == expected
    assert notes["unreadable"] == notes["bad_row"] == 0


@pytest.mark.parametrize(
    "reply",
    [
        '{"relations": [{"subject": "甲", "object": "乙", "inWork": "丙"}]}',
        '{"relations": [{"subject": "甲", "object": {"@value": "乙", "inWork": "丙"}}]}',
        '[{"人物": "甲", "作品": "乙", "inWork": "丙"}]',
        '[{"主体": "甲", "客体": "乙", "inWork": "丙"}]',
    ],
)
def test_relations_are_read_from_every_form(reply: str) -> None:
    (item,) = relation_items(reply, "饰演", ["inWork"], Counter(), {"人物": "subject", "作品": "object"})
    assert (item.subject, item.object, dict(item.slots)) == ("甲", "乙", {"inWork": "丙"})


@pytest.mark.parametrize(
    "arguments",
    [
        '[{"role": "时间", "text": "今天"}, {"role": "地点", "text": "北京"}, {"role": "地点", "text": "上海"}]',
        '{"时间": "今天", "地点": ["北京", "上海"]}',
        '[["时间", "今天"], ["地点", "北京"], ["地点", "上海"]]',
    ],
)
def test_arguments_are_read_from_every_form_with_repeated_roles(arguments: str) -> None:
    (item,) = event_items(f'{{"events": [{{"trigger": "开会", "arguments": {arguments}}}]}}', "会议", Counter())
    assert item.trigger == "开会"
    assert item.arguments == (("时间", "今天"), ("地点", "北京"), ("地点", "上海"))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("{}[]\",:：，“”|｜-()（）\\\n'无李雷北京a1 <>think/"), max_size=60))
def test_no_answer_whatever_stops_the_reader(reply: str) -> None:
    schema = Schema("event", (Label("会议", roles=("时间",)),), "")
    reply = clean(reply)
    notes: Counter[str] = Counter()
    json_values(reply, notes)
    read_names(reply, KNOWN, notes)
    read_rows(reply, ["主体"], notes)
    ground = Grounding("李雷今天在北京开会。", notes)
    ground.names(name_items(reply, "人物", notes), Schema("ner", (Label("人物"),), ""))
    ground.events(event_items(reply, None, notes), schema)
    relation_items(reply, None, ["inWork"], notes, {})


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=8), st.integers(0, 3))
def test_whole_json_is_read_as_json_reads_it(value: Any, blanks: int) -> None:
    import json

    values = json_values(" " * blanks + json.dumps({"a": value}, ensure_ascii=False), Counter())
    assert values == [{"a": value}]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("北京大学", "北京大学"),
        ("“北京大学”", "北京大学"),
        (" 北京大学。", "北京大学"),
        ("北京 大学", "北京大学"),
        ("ＮＢＡ", "NBA"),
        ("nba", "NBA"),
        ("红楼梦", "红楼梦"),
        ("《红楼梦》", "《红楼梦》"),
        ("清华大学", None),
        ("", None),
    ],
)
def test_an_answer_is_found_in_the_text_or_counted(answer: str, found: str | None) -> None:
    notes: Counter[str] = Counter()
    assert Grounding("他在北京大学看《红楼梦》和NBA。", notes).surface(answer) == found
    assert notes["ungrounded"] == (found is None)
    assert notes["answers"] == 1


def test_names_stand_at_every_occurrence_but_inside_longer_ones() -> None:
    from macbert.chatie.answers import FoundName

    schema = Schema("ner", (Label("地点"), Label("机构")), "")
    ground = Grounding("北京大学在北京。", Counter())
    found = ground.names([FoundName("地点", "北京"), FoundName("机构", "北京大学")], schema)
    assert [(e.start, e.end, e.type) for e in found] == [(0, 4, "机构"), (5, 7, "地点")]


def test_latin_names_are_whole_words_where_the_text_has_them_whole() -> None:
    from macbert.chatie.answers import FoundName

    found = Grounding("RUSSIA beat US", Counter()).names([FoundName("LOC", "US")], Schema("ner", (Label("LOC"),), ""))
    assert [(e.start, e.end) for e in found] == [(12, 14)]


def test_a_name_that_stands_once_is_in_no_relation_to_itself() -> None:
    from macbert.chatie.answers import FoundRelation

    schema = Schema("relation", (Label("别名"),), "")
    notes: Counter[str] = Counter()
    told = [FoundRelation("别名", "李雷", "李雷")]
    assert Grounding("李雷来了。", notes).relations(told, schema) == ((), ())
    assert notes["self_pair"] == 1
    _, relations = Grounding("李雷就是李雷。", notes).relations(told, schema)
    assert len(relations) == 1


@pytest.mark.parametrize(
    ("task", "given", "names"),
    [
        ("ner", '["人物", "地点"]', ["人物", "地点"]),
        ("ner", '{"PER": "人名"}', ["PER"]),
        ("relation", '{"人物": ["出生地", "父亲"]}', ["出生地", "父亲"]),
        (
            "relation",
            '[{"predicate": "饰演", "subject_type": "人物", "object_type": {"@value": "人物", "inWork": "作品"}}]',
            ["饰演"],
        ),
        ("event", '{"event_type": "裁员", "role_list": [{"role": "时间"}]}', ["裁员"]),
        ("event", '{"地震触发词": ["时间"]}', ["地震"]),
    ],
)
def test_schemas_are_read_in_the_forms_that_people_have(task: str, given: str, names: list[str]) -> None:
    assert read_schema(task, given).names == names
