"""The plain JSON forms: each read and written on samples that hold its traps; both ways give the same again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import Problem, UserError
from macbert.annotations import Entity, Example, read_examples, read_format, write_format

SAMPLES: dict[str, list[dict[str, Any]]] = {
    "plain-tags": [
        {"tokens": ["EU", "rejects", "German", "call", "."], "tags": ["B-ORG", "O", "B-MISC", "I-MISC", "O"]},
        {"words": ["扬帆", "远东", "，", "—"]},
        {"words": ["李", "鹏", "在", "北京"], "pos": ["nr", "nr", "p", "ns"]},
        {"tokens": ["U.N.", "李", "x"], "tags": ["B-ORG", "B-ORG", "I-ORG"]},
    ],
    "plain-triples": [
        {"text": "请他解惑，他的助手", "head": "他", "tail": "他的助手", "label": "Social"},
        {"text": "李雷与韩梅梅", "head": "李雷", "tail": "韩梅梅", "label": "unknown"},
    ],
    "plain-documents": [
        {
            "id": "7",
            "text": "人们\n祭扫😀先人",
            "entities": [[0, 2, "Person"], [6, 8, "Person"], [0, 2, "Thing"]],
            "ent_ids": ["T1", "T9", "T2"],
            "relations": [["Social", "T9", "T1"]],
        }
    ],
    "plain-events": [
        {
            "id": "国道惨祸",
            "category": "交通事故",
            "title": "国道 惨祸",
            "text": "昨天车辆相撞，记者说",
            "events": [
                {"id": "e1", "type": None, "trigger": [4, 6, "emergency"], "arguments": [[0, 2, "Time"]]},
                {"id": "e3", "type": "thoughtEvent", "trigger": [9, 10, "statement"], "arguments": []},
            ],
        }
    ],
    "plain-reading": [
        {
            "id": "Q1",
            "title": "",
            "context": "王五生于北京，北京人",
            "question": "生于哪？",
            "answers": [{"text": "北京", "start": 4}, {"text": "北京", "start": 4}, {"text": "北京", "start": 7}],
        },
        {
            "id": "1-2",
            "dialog_or_doc": ["男：你\n好", "女：好\u2028"],
            "questions": [
                {"question": "谁？", "choice": ["男", "女"], "answer": "女"},
                {"question": "谁？", "choice": ["狗", "女", "女"], "answer": "狗"},
            ],
        },
    ],
    "fewclue": [
        {"id": 0, "sentence1": "难过", "sentence2": "我难过", "label": "1"},
        {"label": 110, "label_desc": "news_military", "sentence": "打仗", "keywords": "", "id": 4},
        {"sentence": "没有标签", "keywords": "a,b", "id": 6587},
        {"id": 3, "abst": "摘要", "keyword": ["甲、乙", "丙"], "label": "0"},
        {
            "target": {"span2_index": 3, "span1_index": 0, "span1_text": "狗", "span2_text": "它"},
            "idx": 0,
            "label": "true",
            "text": "狗说，它",
        },
        {"id": 5, "candidates": ["一心", "二心"], "content": "说#idiom#。", "answer": 1},
        {"id": 6, "candidates": ["一心", "二心"], "content": "说#idiom#。"},
    ],
}


def read(name: str, path: Path) -> tuple[list[Example], list[str]]:
    items = list(read_format(name, path))
    return [i for i in items if isinstance(i, Example)], [str(i) for i in items if isinstance(i, Problem)]


def write_lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_lost_on_the_way_to_the_annotation_format_and_back(tmp_path: Path, name: str) -> None:
    examples, problems = read(name, write_lines(tmp_path / "a.jsonl", *SAMPLES[name]))
    assert not problems
    write_format("macbert", tmp_path / "b.jsonl", examples)
    again = read_examples(tmp_path / "b.jsonl")
    assert again == examples
    write_format(name, tmp_path / "c.jsonl", again)
    lines = (tmp_path / "c.jsonl").read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines if line] == SAMPLES[name]


def test_words_alone_are_entities_and_tagged_words_give_names(tmp_path: Path) -> None:
    examples, _ = read("plain-tags", write_lines(tmp_path / "a.jsonl", *SAMPLES["plain-tags"][:3]))
    found = [[(example.slice(e), e.type) for e in example.entities or ()] for example in examples]
    assert found[0] == [("EU", "ORG"), ("German call", "MISC")]
    assert found[1] == [("扬帆", "词"), ("远东", "词"), ("，", "词"), ("—", "词")]
    assert found[2] == [("李", "人物"), ("鹏", "人物"), ("北京", "地点")]


def test_the_occurrences_of_a_triple_lie_nearest_and_apart(tmp_path: Path) -> None:
    (example,), _ = read("plain-triples", write_lines(tmp_path / "a.jsonl", SAMPLES["plain-triples"][0]))
    assert example.entities == (Entity(1, 2, "实体"), Entity(5, 9, "实体"))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("cluener", {"text": "北京", "label": {"地点": [0, 1]}}),
        ("cluener", {"text": "北京", "label": {"地点": {"北京": [0, 1]}}}),
        ("cmeee", {"text": "北京", "entities": [{"start_idx": 0, "end_idx": 1}]}),
        ("duie", {"text": "北京", "spo_list": [{"subject": "北"}]}),
        ("duie", {"text": "北京", "spo_list": 3}),
        ("duee", {"text": "北京", "event_list": [{"event_type": "x", "arguments": [{"role": "y"}]}]}),
        ("doccano", {"text": "北京", "label": [[0, 2]]}),
        ("label-studio", {"data": {"text": "北京"}, "annotations": [{"result": [{"type": "labels"}]}]}),
        ("sighan", {"original_text": "北京", "correct_text": 3}),
        ("plain-tags", {"tokens": ["a"], "tags": ["O", "O"]}),
        ("plain-triples", {"text": "北京", "head": 3, "tail": "京", "label": "x"}),
        ("plain-documents", {"text": "北京", "entities": [[0, 1, "x"]], "ent_ids": [], "relations": []}),
        ("plain-events", {"text": "北京", "events": [{"trigger": [0, 1, "x"]}]}),
        ("plain-reading", {"id": 3, "context": "北京", "question": "？", "answers": [{"text": "北"}]}),
        ("fewclue", {"target": 3, "text": "北京", "label": "true"}),
    ],
)
def test_a_record_built_otherwise_is_a_problem_of_its_line_and_reading_goes_on(
    tmp_path: Path, name: str, row: dict[str, Any]
) -> None:
    examples, problems = read(name, write_lines(tmp_path / "a.jsonl", row, row))
    assert not examples
    assert len(problems) == 2
    assert "a.jsonl:1" in problems[0]
    assert "a.jsonl:2" in problems[1]


def test_names_that_tokens_cannot_say_are_not_written_as_tags(tmp_path: Path) -> None:
    inside = Example("New Yorker says", entities=(Entity(0, 8, "LOC"),))
    nested = Example("New York says", entities=(Entity(0, 8, "LOC"), Entity(4, 8, "LOC")))
    for example in (inside, nested):
        with pytest.raises(UserError, match="entities of whole tokens"):
            write_format("plain-tags", tmp_path / "a.jsonl", [example])
    assert not (tmp_path / "a.jsonl").exists()
