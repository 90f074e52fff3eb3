"""``macbert chatie`` and ``macbert evaluate --chatie`` as commands: one table, bad input, texts without labels."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from oracle_server import OracleServer

from macbert.annotations import Example, read_examples, write_examples
from macbert.cli import main


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main([*words, "--quiet"])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_texts_without_labels_are_read_with_a_schema(
    ner_gold: list[Example], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OracleServer(ner_gold) as server:
        flags = ["--model", "oracle", "--base-url", server.base_url, "--cache", str(tmp_path / "cache")]
        text = ner_gold[0].text
        schema = '["人物", "机构"]'
        code, out, _ = run(capsys, "chatie", "ner", "--text", text, "--schema", schema, *flags)
        assert code == 0
        assert "李雷/人物" in out
        output = tmp_path / "out.jsonl"
        data = tmp_path / "texts.jsonl"
        write_examples(data, [Example(text)])
        code, _, _ = run(
            capsys, "chatie", "ner", "--data", str(data), "--schema", schema, "--output", str(output), *flags
        )
    assert code == 0
    (found,) = read_examples(output)
    assert [found.slice(e) for e in found.entities or ()] == ["李雷", "北京大学"]


def test_a_fine_tuned_and_a_chat_model_stand_in_one_table(
    small_road: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gold = read_examples(small_road.dev)
    with OracleServer(gold) as server:
        flags = ["--data", str(small_road.dev), "--model", str(small_road.ner), "--chatie", "oracle"]
        flags += ["--endpoint.base-url", server.base_url, "--endpoint.cache", str(tmp_path / "cache")]
        code, out, err = run(capsys, "evaluate", "ner", *flags)
        assert code == 0, err
        assert re.search(rf"fine-tuned model +{re.escape(str(small_road.ner))}", out)
        assert "ChatIE" in out
        assert "surface_f1" in out
        code, out, _ = run(capsys, "evaluate", "ner", *flags, "--json")
        mine, chat = json.loads(out)["systems"]
        code, alone, _ = run(capsys, "evaluate", "ner", *flags[:4], "--json")
    assert json.loads(alone)["metrics"] == mine["metrics"]
    assert set(mine["metrics"]) == set(chat["metrics"])
    assert chat["metrics"]["surface_f1"] == 1.0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chatie", "ner", "--model", "m"], "--text, --data: expected one of the two, found neither"),
        (["chatie", "ner", "--model", "m", "--text", "李雷"], "--schema: expected the labels to ask for"),
        (["chatie", "ner", "--model", "m", "--data", "none.jsonl"], "none.jsonl"),
        (["chatie", "classify", "--model", "m", "--data", "x"], "classify"),
        (["chatie", "ner", "--model", "m", "--text", "a", "--schema", "[1]"], "expected labels for ner"),
        (["chatie", "ner", "--model", "m", "--text", "a", "--schema", '["甲"', "--quiet"], "expected JSON"),
        (["chatie", "ner", "--model", "m", "--text", "a", "--schema", '["甲"]', "--base-url", "ftp://a"], "--base-url"),
        (["chatie", "ner", "--model", "m", "--text", "a", "--schema", '["甲"]', "--timeout", "0"], "--timeout"),
        (["chatie", "ner", "--model", "m", "--text", "a", "--schema", '["甲"]', "--mode", "oracle"], "--mode"),
        (["evaluate", "ner", "--data", "x"], "--model"),
        (["evaluate", "classify", "--data", "x", "--chatie", "m"], "--chatie"),
    ],
)
def test_bad_input_is_named_and_ends_with_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert code == 2
    assert told in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_ends_with_1(
    ner_gold: list[Example], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "gold.jsonl"
    write_examples(data, ner_gold)
    flags = ["--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--max-retries", "0", "--max-failures", "1"]
    code, _, err = run(capsys, "chatie", "ner", "--data", str(data), "--cache", str(tmp_path / "cache"), *flags)
    assert code == 1
    assert "no answer to 1 questions in a row, at last: connection" in err
    assert "http://127.0.0.1:9/v1" in err
