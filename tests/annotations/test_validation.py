from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import UserError
from macbert.annotations import ValidateConfig, validate


def write(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_what_is_odd_is_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"text": "北京大学", "entities": [[0, 4, "机构"], [0, 2, "地点"]], "genre": "x"},
        {"text": "北京大学", "entities": [[0, 4, "机构"], [0, 2, "地点"]]},
        {"text": "北京大学", "entities": []},
        {"text": "长" * 20, "entities": []},
    )
    result = validate(ValidateConfig(input=[path], max_length=10))
    assert (result.examples, result.longest, result.long, result.overlapping) == (4, 20, 1, 2)
    assert result.duplicates == [f"{path}:2"]
    assert result.contradictions == [f"{path}:3"]
    assert dict(result.labels) == {"机构": 2, "地点": 2}
    assert dict(result.extra_keys) == {"genre": 1}


def test_texts_of_an_earlier_file_and_odd_spans_are_counted(tmp_path: Path) -> None:
    relation = {"subject": 0, "predicate": "在", "object": 1}
    entities = [[0, 2, "人物"], [2, 5, "地点"]]
    train = write(tmp_path / "a.jsonl", {"text": "李雷 北京", "entities": entities, "relations": [relation, relation]})
    test = write(
        tmp_path / "b.jsonl",
        {"text": "李雷 北京", "entities": entities, "relations": [relation]},
        {"text": "北京", "entities": [[0, 2, "地点"]]},
    )
    result = validate(ValidateConfig(input=[train, test]))
    assert result.leaks == [f"{test}:1"]
    assert (result.duplicates, result.contradictions) == ([], [])
    assert (result.repeated_relations, result.edges) == (1, 2)
    assert dict(result.lengths) == {4: 2, 2: 1}
    assert ("lengths", "2-3: 1, 4-7: 2") in result.summary()
    assert result.as_json()["lengths"] == {4: 2, 2: 1}


def test_what_is_wrong_in_any_file_is_listed_at_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", {"text": "北京", "entities": [[0, 2, "地点"], [0, 2, "地点"]]})
    second = write(
        tmp_path / "b.jsonl",
        {"text": "北京", "entities": [[0, 3, "地点"]]},
        {"text": "李雷", "entities": [[0, 2, "人物"]]},
    )
    third = write(tmp_path / "c.jsonl")
    with pytest.raises(UserError) as caught:
        validate(ValidateConfig(input=[first, second, third]))
    assert [problem.where for problem in caught.value.problems] == [f"{first}:1", f"{second}:1", f"{second}:2", third]
    assert "a known label, found '人物'" in str(caught.value)
    validate(ValidateConfig(input=[write(tmp_path / "d.jsonl", {"text": "李雷", "label": "人"})], labels=["人"]))
