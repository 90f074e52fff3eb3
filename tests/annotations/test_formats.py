"""Each format read and written on samples that hold its traps; both ways give the same again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import Problem, UserError
from macbert.annotations import (
    Argument,
    ConvertConfig,
    Entity,
    Event,
    Example,
    Relation,
    Trigger,
    convert,
    read_examples,
    read_format,
    write_format,
)
from macbert.annotations.formats.conll import tag_spans


def split(name: str, path: Path, **options: Any) -> tuple[list[Example], list[str]]:
    items = list(read_format(name, path, **options))
    problems = [str(item) for item in items if isinstance(item, Problem)]
    return [item for item in items if isinstance(item, Example)], problems


def write_lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_cluener_ends_are_inclusive_and_come_back_exactly(tmp_path: Path) -> None:
    row = {"id": 3, "text": "浙商银行的叶老桂在浙商银行", "label": {}}
    row["label"] = {"company": {"浙商银行": [[0, 3], [9, 12]]}, "name": {"叶老桂": [[5, 7]]}}
    path = write_lines(tmp_path / "a.json", row, {"text": "没有", "label": {}})
    examples, problems = split("cluener", path)
    assert not problems
    found = [(entity.type, examples[0].slice(entity)) for entity in examples[0].entities or ()]
    assert found == [("company", "浙商银行"), ("name", "叶老桂"), ("company", "浙商银行")]
    write_format("cluener", tmp_path / "b.json", examples)
    again = [json.loads(line) for line in (tmp_path / "b.json").read_text(encoding="utf-8").splitlines()]
    assert again == [row, {"text": "没有", "label": {}}]


def test_a_surface_that_stands_elsewhere_is_a_problem_and_left_out(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.json", {"text": "李雷在北京", "label": {"地点": {"北京": [[2, 3]]}}})
    examples, problems = split("cluener", path)
    assert examples[0].entities == ()
    assert "a.json:1: expected the 地点 '北京', found '在北' there" in problems[0]


def test_cmeee_is_an_array_with_inclusive_ends(tmp_path: Path) -> None:
    rows = [{"text": "对儿童SARST细胞", "entities": [{"start_idx": 3, "end_idx": 7, "type": "bod", "entity": "SARST"}]}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    examples, problems = split("cmeee", path)
    assert not problems
    assert examples[0].entities == (Entity(3, 8, "bod"),)
    write_format("cmeee", tmp_path / "b.json", examples)
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8")) == rows


@pytest.mark.parametrize(
    "content",
    [
        "李\tB-PER\n雷\tI-PER\n在\tO\n京\tB-LOC\n",
        "李 B-PER\n雷 I-PER\n在 O\n京 B-LOC\n\n",
        "李0\tB-PER\n雷1\tI-PER\n在0\tO\n京0\tB-LOC\n",  # Weibo
        "李 B-PER\n雷 E-PER\n在 O\n京 S-LOC\n",
        "李\tB-PER\r\n雷\tM-PER\r\n在\tO\r\n京\tS-LOC\r\n",
    ],
)
def test_tag_columns_of_every_kind_give_the_same(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.txt").write_text(content, encoding="utf-8", newline="")
    examples, problems = split("conll", tmp_path / "a.txt")
    assert not problems
    assert [(e.text, e.entities) for e in examples] == [("李雷在京", (Entity(0, 2, "PER"), Entity(3, 4, "LOC")))]
    write_format("conll", tmp_path / "b.txt", examples)
    again, _ = split("conll", tmp_path / "b.txt")
    assert again == examples


def test_impossible_tags_are_said_with_their_line_and_read_as_beginnings() -> None:
    spans, problems = tag_spans(["O", "I-x", "I-y", "X-z", "B"], list("abcde"))
    assert spans == [(1, 1, "x"), (2, 2, "y")]
    assert [problem.where for problem in problems] == ["b", "c", "d", "e"]


def test_tags_cannot_say_entities_that_overlap(tmp_path: Path) -> None:
    nested = Example("北京大学", entities=(Entity(0, 2, "地点"), Entity(0, 4, "机构")))
    with pytest.raises(UserError, match="overlapping another"):
        write_format("conll", tmp_path / "a.txt", [nested])
    assert not (tmp_path / "a.txt").exists()


RICH = Example(
    "李雷在北京\r\n大学😀工作，住北京",
    id="doc1",
    entities=(Entity(0, 2, "人物"), Entity(3, 5, "地点"), Entity(3, 9, "机构"), Entity(14, 16, "地点")),
    relations=(Relation(0, "就职", 2), Relation(0, "居住", 3)),
    events=(Event("工作", Trigger(10, 12), (Argument("人", 0, 2), Argument("处所", 12, 14))),),
)


def test_brat_counts_code_points_and_keeps_line_breaks(tmp_path: Path) -> None:
    write_format("brat", tmp_path / "brat", [RICH])
    examples, problems = split("brat", tmp_path / "brat")
    assert not problems
    found = examples[0]
    assert found.text == RICH.text
    assert set(RICH.entities or ()) <= set(found.entities or ())
    assert [found.slice((found.entities or ())[r.object]) for r in found.relations or ()] == ["北京\r\n大学", "北京"]
    assert found.events == RICH.events
    write_format("brat", tmp_path / "again", examples)
    assert (tmp_path / "again" / "doc1.txt").read_bytes() == (tmp_path / "brat" / "doc1.txt").read_bytes()
    assert split("brat", tmp_path / "again")[0] == examples


def test_what_brat_says_and_we_cannot_is_listed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("李雷在北京", encoding="utf-8")
    notes = [
        "T1\t人物 0 1;2 3\t李 在",
        "T2\t人物 0 2\t李梅",
        "R1\t住 Arg1:T1 Arg2:T9",
        "#1\tNote T1\t注",
        "T3\t地点 3 5\t北京",
    ]
    (tmp_path / "a.ann").write_text("\n".join(notes), encoding="utf-8")
    (tmp_path / "b.txt").write_text("好", encoding="utf-8")
    examples, problems = split("brat", tmp_path)
    assert [example.entities for example in examples] == [(Entity(3, 5, "地点"),)]
    for part in ("a.ann:1: expected a stretch in one piece", "a.ann:2", "a.ann:3", "b.ann beside it"):
        assert any(part in problem for problem in problems), part


def test_doccano_in_its_three_forms(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.jsonl",
        {
            "id": 1,
            "text": "李雷在北京",
            "entities": [
                {"id": 70, "label": "人物", "start_offset": 0, "end_offset": 2},
                {"id": 71, "label": "地点", "start_offset": 3, "end_offset": 5},
            ],
            "relations": [{"id": 5, "from_id": 70, "to_id": 71, "type": "在"}],
        },
        {"id": 2, "text": "李雷", "label": [[0, 2, "人物"], [1, 5, "坏"]]},
        {"id": 3, "data": "很好", "label": ["好评"]},
        {"id": 4, "text": "李雷", "entities": [], "relations": [{"id": 1, "from_id": 9, "to_id": 8, "type": "x"}]},
    )
    examples, problems = split("doccano", path)
    assert len(problems) == 2
    assert examples[0].relations == (Relation(0, "在", 1),)
    assert examples[1].entities == (Entity(0, 2, "人物"),)
    assert examples[2].label == "好评"
    write_format("doccano", tmp_path / "b.jsonl", examples[:3])
    assert split("doccano", tmp_path / "b.jsonl")[0] == examples[:3]


def test_label_studio_where_value_text_may_be_missing(tmp_path: Path) -> None:
    span = {"id": "p", "type": "labels", "value": {"start": 0, "end": 2, "labels": ["人物"]}}
    other = {"id": "q", "type": "labels", "value": {"start": 3, "end": 5, "text": "北京", "labels": ["地点"]}}
    relation = {"type": "relation", "from_id": "p", "to_id": "q", "labels": ["在"]}
    choice = {"type": "choices", "value": {"choices": ["新闻"]}}
    task = {"id": 9, "data": {"text": "李雷在北京"}, "annotations": [{"result": [span, other, relation, choice]}, {}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([task, {"id": 10, "data": {}}]), encoding="utf-8")
    examples, problems = split("label-studio", path)
    assert len(problems) == 2  # a second annotation, and a task without text
    assert examples[0].entities == (Entity(0, 2, "人物"), Entity(3, 5, "地点"))
    assert (examples[0].label, examples[0].relations) == ("新闻", (Relation(0, "在", 1),))
    write_format("label-studio", tmp_path / "b.json", examples)
    assert split("label-studio", tmp_path / "b.json")[0] == examples


def test_label_studio_counts_emoji_as_browsers_do(tmp_path: Path) -> None:
    def span(start: int, end: int, text: str | None, *labels: str) -> dict[str, Any]:
        surface = {} if text is None else {"text": text}
        return {"id": f"{start}", "type": "labels", "value": {"start": start, "end": end, **surface, "labels": labels}}

    text = "😀李雷😀在北京"
    results = [
        span(2, 4, "李雷", "人物"),  # UTF-16 units: an emoji is two
        span(5, 7, "北京", "地点", "城市"),  # already code points, two labels
        span(4, 6, "上海", "地点"),  # stands nowhere
        {"type": "choices", "value": {"choices": ["新闻", "人物"]}},
        {"type": "rating", "value": {"rating": 4}},
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"data": {"text": text}, "annotations": [{"result": results}]}]), encoding="utf-8")
    (example,), problems = split("label-studio", path)
    assert example.entities == (Entity(1, 3, "人物"), Entity(5, 7, "地点"), Entity(5, 7, "城市"))
    assert example.labels == ("新闻", "人物")
    assert len(problems) == 2
    assert "'上海'" in problems[0]
    assert "'rating'" in problems[1]
    write_format("label-studio", tmp_path / "b.json", [example])
    (again,), problems = split("label-studio", tmp_path / "b.json")
    assert (again.entities, again.labels, problems) == (example.entities, example.labels, [])


def test_duie_chooses_the_nearest_occurrences_and_keeps_slots(tmp_path: Path) -> None:
    spo = {
        "predicate": "饰演",
        "subject": "李雷",
        "subject_type": "人物",
        "object": {"@value": "王五", "inWork": "北京"},
        "object_type": {"@value": "人物", "inWork": "影视作品"},
    }
    absent = {"predicate": "p", "subject": "无", "subject_type": "", "object": "李雷", "object_type": ""}
    row = {"text": "王五说，北京！！！张三看李雷演王五在《北京》", "spo_list": [spo, absent]}
    path = write_lines(tmp_path / "a.jsonl", row)
    examples, problems = split("duie", path)
    assert len(problems) == 1
    example = examples[0]
    entities = example.entities or ()
    relation = (example.relations or ())[0]
    assert [entities[relation.subject].start, entities[relation.object].start] == [12, 15]
    assert {slot: entities[n].start for slot, n in relation.slots.items()} == {"inWork": 19}
    write_format("duie", tmp_path / "b.jsonl", examples)
    again = json.loads((tmp_path / "b.jsonl").read_text(encoding="utf-8"))
    assert again == {"text": row["text"], "spo_list": [spo]}
    flat = {
        "text": "李雷生于北京",
        "spo_list": [{**absent, "subject": "李雷", "object": "北京", "predicate": "出生地"}],
    }
    examples, problems = split("duie", write_lines(tmp_path / "c.jsonl", flat))
    assert not problems
    assert examples[0].relations == (Relation(0, "出生地", 1),)


def test_duee_gives_starts_only_and_comes_back_exactly(tmp_path: Path) -> None:
    argument = {"argument_start_index": 0, "role": "时间", "argument": "7月17日", "alias": ["17日"]}
    event = {"event_type": "财经/交易-出售/收购", "trigger": "发布", "trigger_start_index": 6, "arguments": [argument]}
    row = {"text": "7月17日，发布！", "id": "c3", "event_list": [{**event, "class": "财经/交易"}]}
    examples, problems = split("duee", write_lines(tmp_path / "a.json", row))
    assert not problems
    assert examples[0].events == (Event("财经/交易-出售/收购", Trigger(6, 8), (Argument("时间", 0, 5, ("17日",)),)),)
    write_format("duee", tmp_path / "b.json", examples)
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8")) == row
    row["event_list"][0]["arguments"][0]["argument_start_index"] = 1
    examples, problems = split("duee", write_lines(tmp_path / "c.json", row))
    assert len(problems) == 1
    assert (examples[0].events or ())[0].arguments == ()


def test_squad_keeps_what_is_sound_and_says_what_is_not(tmp_path: Path) -> None:
    questions = [
        {"id": "q1", "question": "谁？", "answers": [{"text": "李雷", "answer_start": 0}] * 2},
        {"id": "q2", "question": "几点？", "answers": [], "is_impossible": True},
        {"id": "q3", "question": "哪？", "answers": [{"text": "北京", "answer_start": 2}]},
        {"id": "q4", "question": "哪？", "answers": [{"text": "北京", "answer_start": n} for n in (-1, 3)]},
    ]
    value = {"version": "x", "data": [{"title": "题", "paragraphs": [{"context": "李雷在北京", "qas": questions}]}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    examples, problems = split("squad", path)
    assert [example.id for example in examples] == ["q1", "q2", "q4"]
    assert len(problems) == 3
    assert [len(example.answers or ()) for example in examples] == [2, 0, 1]  # two people, one answer
    write_format("squad", tmp_path / "b.json", examples)
    assert split("squad", tmp_path / "b.json") == (examples, [])
    (tmp_path / "c.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match="a JSON object with 'data'"):
        split("squad", tmp_path / "c.json")


def test_spelling_pairs_as_json_and_as_columns(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "original_text": "逆竟", "wrong_ids": [1], "correct_text": "逆境"},
        {"id": "2", "original_text": "逆竟", "wrong_ids": [0], "correct_text": "逆境"},
        {"id": "3", "original_text": "逆竟", "wrong_ids": [], "correct_text": "逆"},
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    examples, problems = split("sighan", path)
    assert [example.target for example in examples] == ["逆境", "逆境"]
    assert len(problems) == 2
    write_format("sighan", tmp_path / "b.json", examples)
    assert split("sighan", tmp_path / "b.json") == (examples, [])
    write_format("tsv", tmp_path / "c.tsv", examples)
    assert (tmp_path / "c.tsv").read_text(encoding="utf-8").splitlines()[0] == "id\tsource\ttarget"
    assert split("tsv", tmp_path / "c.tsv") == (examples, [])


def test_tables_need_names_for_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("text_a\ttext_b\tlabel\n甲\t乙\t1\n只有一列\n", encoding="utf-8")
    examples, problems = split("tsv", path)
    assert examples == [Example("甲", text_pair="乙", label="1")]
    assert "expected 3 columns, found 1" in problems[0]
    path.write_text("甲\t乙\n", encoding="utf-8")
    with pytest.raises(UserError, match="column names"):
        split("tsv", path)


def test_the_command_counts_lists_and_stops_when_told(tmp_path: Path) -> None:
    row = {"text": "李雷在北京", "label": {"地点": {"北京": [[3, 4]]}, "人物": {"李雷": [[1, 2]]}}}
    path = write_lines(tmp_path / "a.json", row)
    result = convert(ConvertConfig(source="cluener", input=str(path), output=str(tmp_path / "b.jsonl.zst")))
    assert (result.examples, len(result.problems)) == (1, 1)
    assert read_examples(tmp_path / "b.jsonl.zst")[0].entities == (Entity(3, 5, "地点"),)
    with pytest.raises(UserError, match="人物"):
        convert(ConvertConfig(source="cluener", input=str(path), output=str(tmp_path / "c.jsonl"), strict=True))
    assert not (tmp_path / "c.jsonl").exists()
    with pytest.raises(UserError, match="macbert on one side"):
        convert(ConvertConfig(source="cluener", target="cmeee", input=str(path), output=str(tmp_path / "d")))
    ours = str(tmp_path / "b.jsonl.zst")
    config = ConvertConfig(source="macbert", target="plain-triples", input=ours, output=str(tmp_path / "e"))
    with pytest.raises(UserError, match="two entities and at most one relation"):
        convert(config)
    assert not (tmp_path / "e").exists()
    with pytest.raises(UserError, match="found nothing"):
        convert(ConvertConfig(source="cluener", input=str(tmp_path / "none"), output="x"))
