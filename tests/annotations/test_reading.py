from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from corpus.errors import UserError
from macbert.annotations import (
    Answer,
    Argument,
    Entity,
    Event,
    Example,
    Relation,
    Trigger,
    read_examples,
    require,
    scan_examples,
    write_examples,
)

EVERYTHING = Example(
    "李雷在北京工作。\u2028韩梅梅😀",
    id="7",
    label="新闻",
    entities=(Entity(0, 2, "人物"), Entity(3, 5, "地点", 0.5)),
    relations=(Relation(0, "居住地", 1, {"期间": 1}),),
    events=(Event("工作", Trigger(5, 7), (Argument("地点", 3, 5, ("首都",)),)), Event("无")),
    extra={"genre": "新闻"},
)


def lines(tmp_path: Path, *values: object) -> Path:
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_what_is_written_is_read_back_exactly(tmp_path: Path, suffix: str) -> None:
    examples = [
        EVERYTHING,
        Example("甲", text_pair="乙", labels=("一", "二")),
        Example("李雷在北京", question="谁？", answers=(Answer(0, 2),)),
        Example("李雷在北京", question="几点？", answers=()),
        Example("逆竟时", target="逆境时"),
        Example("没有名字", entities=()),
    ]
    assert write_examples(tmp_path / f"a.jsonl{suffix}", examples, surfaces=True) == len(examples)
    assert read_examples(tmp_path / f"a.jsonl{suffix}") == examples


def test_compressed_files_are_real_ones(tmp_path: Path) -> None:
    write_examples(tmp_path / "a.jsonl.gz", [EVERYTHING])
    write_examples(tmp_path / "a.jsonl.zst", [EVERYTHING])
    unpacked = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())
    with zstandard.open(tmp_path / "a.jsonl.zst", "rb") as stream:
        assert stream.read() == unpacked
    assert json.loads(unpacked)["text"] == EVERYTHING.text


def test_compact_entities_pairs_and_flat_answers_are_read(tmp_path: Path) -> None:
    path = lines(
        tmp_path,
        {"text": "李雷在北京", "entities": [[0, 2, "name"]]},
        {"text_a": "甲", "text_b": "乙", "label": 1},
        {"context": "李雷在北京", "question": "谁？", "answers": [{"text": "李雷", "start": 0}]},
    )
    first, second, third = read_examples(path)
    assert first.entities == (Entity(0, 2, "name"),)
    assert (second.text, second.text_pair, second.label) == ("甲", "乙", "1")
    assert third.answers == (Answer(0, 2),)


def test_every_mistake_of_a_file_is_listed_with_its_line(tmp_path: Path) -> None:
    path = lines(
        tmp_path,
        {"text": "李雷在北京", "entities": [[3, 6, "地点"]]},
        {"text": "李雷", "entities": [{"start": 1, "end": 1, "type": "人物"}]},
        {"text": "李雷", "entities": [{"start": 0, "end": 1, "type": "人物", "text": "李雷"}]},
        {"text": "李雷", "entites": []},
        {"text": "李雷", "entities": [{"start": 0, "end": 1, "typ": "人物"}]},
        ["李雷"],
        {"label": "好"},
        {"text": ""},
        {"text": "\ud800"},
        {"text": "李雷", "relations": [{"subject": 0, "predicate": "p", "object": 1}], "entities": [[0, 1, "x"]]},
        {"source": "逆竟", "target": "逆"},
        {"text": "好", "label": True},
    )
    with path.open("a", encoding="utf-8") as stream:
        stream.write("\n{broken\n")
    with pytest.raises(UserError) as caught:
        read_examples(path)
    found = [str(problem) for problem in caught.value.problems]
    numbers = [int(message.split("texts.jsonl:")[1].split(":")[0]) for message in found]
    assert sorted(set(numbers)) == [*range(1, 13), 14]
    text = "\n".join(found)
    for cause in (
        "[3, 6)",
        "empty span [1, 1)",
        "to be '李雷' at [0, 1), found '李'",
        "did you mean 'entities'?",
        "did you mean 'type'?",
        "found a list",
        "one of 'text', 'text_a', 'context', 'source', found keys label",
        "an empty string",
        "lone surrogate (U+D800 at character 0)",
        "relations[0].object as the number of an entity, below 1, found 1",
        "found 1 for 2",
        "true or false",
    ):
        assert cause in text, cause


def test_sound_lines_of_a_broken_file_can_still_be_had(tmp_path: Path) -> None:
    examples, problems = scan_examples(lines(tmp_path, {"text": "好"}, {}, {"text": "坏"}))
    assert [example.text for example in examples] == ["好", "坏"]
    assert len(problems) == 1


def test_other_keys_are_kept_but_slips_of_known_ones_are_not(tmp_path: Path) -> None:
    assert read_examples(lines(tmp_path, {"text": "好", "genre": "新闻"}))[0].extra == {"genre": "新闻"}
    with pytest.raises(UserError, match="did you mean 'label'"):
        read_examples(lines(tmp_path, {"text": "好", "lable": "新闻"}))


def test_a_gbk_file_is_named_once_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_bytes('{"text": "李雷"}\n{"text": "韩梅梅"}\n'.encode("gbk"))
    with pytest.raises(UserError) as caught:
        read_examples(path)
    assert len(caught.value.problems) == 1
    assert "iconv" in str(caught.value)


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
def test_a_missing_file_or_a_folder_is_said_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="expected a file of labelled texts"):
        read_examples(tmp_path / name)


def test_a_cut_compressed_file_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    write_examples(path, [EVERYTHING] * 50)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="whole compressed file"):
        read_examples(path)


def test_a_task_needs_its_key_in_every_line(tmp_path: Path) -> None:
    path = lines(tmp_path, {"text": "好", "label": "a"}, {"text": "坏"})
    examples = read_examples(path)
    with pytest.raises(UserError, match=r"texts\.jsonl:2: expected 'label' \(task classify\)"):
        require(examples, "label", path, "classify")
    with pytest.raises(UserError, match="at least one labelled text, found none"):
        require([], "label", path, "classify")


def test_thousands_of_mistakes_end_in_a_count(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_examples(lines(tmp_path, *[{}] * 1000))
    assert len(caught.value.problems) == 201
    assert "800 more mistakes" in str(caught.value)


@pytest.mark.parametrize("name", ["ner_cluener/dev", "ner_weibo/train", "pair_ocnli/dev", "csc_sighan15/test"])
def test_real_sets_are_read_whole(shared_data: Path, name: str) -> None:
    path = shared_data / "tasks" / f"{name}.jsonl.zst"
    with zstandard.open(path, "rb") as stream:
        rows = [json.loads(line) for line in stream.read().decode("utf-8").split("\n") if line.strip()]
    examples = read_examples(path)
    assert [e.text for e in examples] == [row.get("text") or row.get("text_a") or row["source"] for row in rows]
    if "entities" in rows[0]:
        assert [[list(e.key) for e in x.entities or ()] for x in examples] == [row["entities"] for row in rows]
