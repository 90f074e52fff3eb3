"""Bad input to the commands of the road: one clear line a mistake, exit code 2, no traceback, nothing left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from macbert.cli import main
from macbert.cli.commands import COMMANDS

pytestmark = pytest.mark.usefixtures("one_thread")

Call = Callable[[str, Path, dict[str, str]], list[str]]

Mistake = tuple[str, dict[str, str | None], str]

CASES: list[Mistake] = [
    # A file or folder that is not there.
    ("corpus build", {"--input": "{bad}/none"}, r"/none: expected"),
    ("corpus build", {"--config": "{bad}/none.yaml"}, r"none\.yaml: expected"),
    ("tokenizer train", {"--input": "{bad}/none"}, r"/none: expected a corpus folder"),
    ("tokenizer similar", {"--input": "{bad}/none"}, r"/none: expected a corpus folder"),
    ("tokenizer similar", {"--tokenizer": "{bad}/none"}, r"/none: expected"),
    ("tokenizer similar", {"--vectors": "{bad}/none.txt"}, r"none\.txt: expected"),
    ("tokenizer similar", {"--thesaurus": "{bad}/none.txt"}, r"none\.txt: expected"),
    ("tokenizer encode", {"--input": "{bad}/none"}, r"/none: expected a corpus folder"),
    ("tokenizer encode", {"--tokenizer": "{bad}/none"}, r"/none: expected"),
    ("tokenizer encode", {"--user-dictionary": "{bad}/none"}, r"/none: expected"),
    ("tokenizer inspect", {"--tokenizer": "{bad}/none"}, r"/none: expected"),
    ("tokenizer inspect", {"--model": "{bad}/none"}, r"/none"),
    ("pretrain", {"--data": "{bad}/none"}, r"/none: expected a tokens folder"),
    ("pretrain", {"--model": "{bad}/none"}, r"--model: expected"),
    ("pretrain", {"--similar": "{bad}/none"}, r"/none: expected"),
    ("pretrain", {"--eval-data": "{bad}/none"}, r"--eval-data: expected"),
    ("pretrain", {"--config": "{bad}/none.yaml"}, r"none\.yaml: expected"),
    ("finetune ner", {"--model": "{bad}/none"}, r"/none: expected a model folder"),
    ("finetune ner", {"--train": "{bad}/none"}, r"/none: expected a file"),
    ("finetune ner", {"--dev": "{bad}/none"}, r"/none: expected a file"),
    ("evaluate ner", {"--model": "{bad}/none"}, r"/none: expected a model folder"),
    ("evaluate ner", {"--data": "{bad}/none"}, r"/none: expected a file"),
    ("predict", {"--model": "{bad}/none"}, r"/none: expected a model folder"),
    ("predict", {"--input": "{bad}/none"}, r"/none: expected a file"),
    # A file or folder with nothing in it.
    ("corpus build", {"--input": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected .* found an empty file"),
    ("corpus build", {"--input": "{bad}/empty"}, r"/empty: expected"),
    ("tokenizer train", {"--input": "{bad}/empty"}, r"/empty: expected a corpus folder"),
    ("tokenizer similar", {"--input": "{bad}/empty"}, r"/empty: expected a corpus folder"),
    ("tokenizer similar", {"--thesaurus": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("tokenizer similar", {"--vectors": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("tokenizer encode", {"--tokenizer": "{bad}/empty"}, r"/empty: expected"),
    ("tokenizer encode", {"--tokenizer": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("tokenizer inspect", {"--tokenizer": "{bad}/empty"}, r"/empty: expected"),
    ("tokenizer inspect", {"--text": " "}, r"--text: expected"),
    ("pretrain", {"--data": "{bad}/empty"}, r"/empty: expected a tokens folder"),
    ("pretrain", {"--model": "{bad}/empty"}, r"--model: expected"),
    ("finetune ner", {"--train": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("finetune ner", {"--dev": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("finetune ner", {"--model": "{bad}/empty"}, r"/empty: expected a model folder"),
    ("evaluate ner", {"--data": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected"),
    ("predict", {"--input": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected at least one text"),
    # A line that is not what it should be; the third of the file.
    ("corpus build", {"--input": "{bad}/no_text_raw.jsonl"}, r"no_text_raw\.jsonl:41: expected .* found no_text"),
    ("finetune ner", {"--train": "{bad}/no_text.jsonl"}, r"no_text\.jsonl:3: expected .*text"),
    ("finetune ner", {"--dev": "{bad}/no_text.jsonl"}, r"no_text\.jsonl:3: expected .*text"),
    ("finetune classify", {"--train": "{bad}/no_label.jsonl"}, r"no_label\.jsonl:3: expected 'label'"),
    ("evaluate ner", {"--data": "{bad}/no_text.jsonl"}, r"no_text\.jsonl:3: expected .*text"),
    ("predict", {"--input": "{bad}/no_text.jsonl"}, r"no_text\.jsonl:3: expected .*text"),
    ("finetune ner", {"--train": "{bad}/not_json.jsonl"}, r"not_json\.jsonl:3: expected one JSON object"),
    ("evaluate ner", {"--data": "{bad}/not_json.jsonl"}, r"not_json\.jsonl:3: expected one JSON object"),
    ("predict", {"--input": "{bad}/not_json.jsonl"}, r"not_json\.jsonl:3: expected one JSON object"),
    ("finetune ner", {"--train": "{bad}/span.jsonl"}, r"span\.jsonl:3: expected .*99"),
    ("finetune ner", {"--dev": "{bad}/span.jsonl"}, r"span\.jsonl:3: expected .*99"),
    ("evaluate ner", {"--data": "{bad}/span.jsonl"}, r"span\.jsonl:3: expected .*99"),
    # Labelled text in another encoding would be guessed at its labels' cost: the user is told how to turn it.
    ("finetune ner", {"--train": "{bad}/gbk.jsonl"}, r"gbk\.jsonl:1: expected UTF-8, .*iconv -f GB18030"),
    ("evaluate ner", {"--data": "{bad}/gbk.jsonl"}, r"gbk\.jsonl:1: expected UTF-8, .*iconv -f GB18030"),
    ("predict", {"--input": "{bad}/gbk.jsonl"}, r"gbk\.jsonl:1: expected UTF-8, .*iconv -f GB18030"),
    ("predict", {"--input": "{bad}/gbk.txt"}, r"gbk\.txt:1: expected UTF-8, .*iconv -f GB18030"),
    # Settings.
    (
        "pretrain",
        {"--config": "{bad}/key.yaml"},
        r"key\.yaml:2: .*'max_step'; did you mean 'max_steps'",
    ),
    ("pretrain", {"--config": "{bad}/tab.yaml"}, r"tab\.yaml:2: expected YAML"),
    ("corpus build", {"--config": "{bad}/corpus_key.yaml"}, r"corpus_key\.yaml:1: .*did you mean 'text_key'"),
    ("corpus build", {"--preset": "keep"}, r"keep"),
    # A folder of the wrong kind.
    ("tokenizer train", {"--input": "{tokens}"}, r"/tokens: expected a corpus folder .* found a tokens folder"),
    ("tokenizer train", {"--input": "{raw}"}, r"raw\.jsonl: expected a corpus folder"),
    ("tokenizer similar", {"--input": "{tokens}"}, r"/tokens: expected a corpus folder .* found a tokens folder"),
    ("tokenizer encode", {"--input": "{tokens}"}, r"/tokens: expected a corpus folder .* found a tokens folder"),
    ("tokenizer encode", {"--tokenizer": "{corpus}"}, r"/corpus: expected"),
    ("tokenizer inspect", {"--tokenizer": "{corpus}"}, r"/corpus: expected"),
    ("pretrain", {"--data": "{corpus}"}, r"/corpus: expected a tokens folder .* found a corpus folder"),
    ("pretrain", {"--data": "{raw}"}, r"raw\.jsonl: expected a tokens folder"),
    ("pretrain", {"--model": "{corpus}"}, r"--model: expected"),
    ("pretrain", {"--similar": "{corpus}"}, r"/corpus: expected a similar-word table"),
    ("pretrain", {"--eval-data": "{corpus}"}, r"/corpus: expected"),
    ("finetune ner", {"--model": "{corpus}"}, r"/corpus: expected a model folder"),
    ("finetune ner", {"--train": "{corpus}"}, r"/corpus: expected a file"),
    ("finetune ner", {"--train": "{reviews}"}, r"reviews\.jsonl:1: expected 'entities'"),
    ("evaluate ner", {"--model": "{run}"}, r"/run: expected a fine-tuned model"),
    ("evaluate ner", {"--model": "{classify}"}, r"/classify: expected a model for ner, found one for classify"),
    ("predict", {"--model": "{run}"}, r"/run: expected a fine-tuned model"),
    # An output that would cost somebody their work.
    ("predict", {"--output": "{bad}/somebody"}, r"/somebody: expected .* found a folder"),
    ("tokenizer train", {"--output": "{run}"}, r"/run: expected"),
    ("corpus build", {"--output": "{run}"}, r"/run: expected"),
    ("finetune ner", {"--output": "{run}"}, r"/run: expected"),
    ("pretrain", {"--output": "{tokens}"}, r"/tokens: expected"),
    ("demo", {"--output": "{tokens}"}, r"/tokens: expected"),
    # Files that changed or were cut on their way.
    ("corpus build", {"--input": "{bad}/half.parquet"}, r"half\.parquet"),
    ("corpus build", {"--input": "{bad}/corpus"}, r"part-00000\.parquet"),
    ("tokenizer train", {"--input": "{bad}/corpus"}, r"part-00000\.parquet"),
    ("tokenizer similar", {"--input": "{bad}/corpus"}, r"part-00000\.parquet"),
    ("tokenizer encode", {"--input": "{bad}/corpus"}, r"part-00000\.parquet"),
    ("tokenizer inspect", {"--tokenizer": "{bad}/tokenizer"}, r"similar\.safetensors"),
    ("pretrain", {"--data": "{bad}/tokens"}, r"\.arrow: expected SHA-256"),
    ("pretrain", {"--similar": "{bad}/tokenizer"}, r"similar\.safetensors"),
    ("pretrain", {"--model": "{bad}/run"}, r"run/model\.safetensors: expected SHA-256"),
    ("pretrain", {"--model": "{bad}/torn_run"}, r"torn_run: expected loadable weights"),
    ("finetune ner", {"--model": "{bad}/run"}, r"run/model\.safetensors: expected SHA-256"),
    ("finetune ner", {"--model": "{bad}/torn_run"}, r"torn_run: expected loadable weights"),
    ("evaluate ner", {"--model": "{bad}/ner"}, r"ner/model\.safetensors: expected SHA-256"),
    ("evaluate ner", {"--model": "{bad}/torn_task"}, r"task\.json: expected"),
    ("predict", {"--model": "{bad}/ner"}, r"ner/model\.safetensors: expected SHA-256"),
    ("predict", {"--model": "{bad}/torn_task"}, r"task\.json: expected"),
]


def test_a_mistake_is_told_with_its_place_and_its_cure(mistake: Mistake, refused: Callable[..., list[str]]) -> None:
    command, changes, pattern = mistake
    lines = refused(command, changes)
    assert re.search(pattern, "\n".join(lines)), lines


def test_no_command_is_left_out_of_these_tests(sound_calls: list[str]) -> None:
    tried = {path for path in COMMANDS for call in sound_calls if call.split()[: len(path)] == list(path)}
    assert tried == set(COMMANDS)


def test_a_flag_that_no_command_has_is_named(any_command: str, refused: Callable[..., list[str]]) -> None:
    (line,) = refused(any_command, {"--ouptut": "x"})
    assert "'--ouptut'" in line


@pytest.mark.parametrize(("name", "found"), [("somebody", "a folder with other files"), ("file", "a file")])
def test_what_somebody_else_wrote_is_never_replaced(
    folder_command: str, name: str, found: str, refused: Callable[..., list[str]]
) -> None:
    (line,) = refused(folder_command, {"--output": f"{{bad}}/{name}"})
    assert re.search(f"/{name}: expected .* found {found}", line)


def test_a_record_without_text_is_set_aside_and_counted_below_the_limit(
    call: Call, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"--input": "{bad}/no_text_raw.jsonl", "--max-bad-ratio": "0.05", "--json": ""}
    assert main(call("corpus build", tmp_path / "out", changes)) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["quarantined"] == {"no_text": 1}
    assert report["read"] == 41 == report["kept"] + sum(report["dropped"].values()) + 1
    (line,) = (tmp_path / "out" / "rejected" / "no_text").glob("*.jsonl")
    record = json.loads(line.read_text("utf-8"))
    assert (record["file"], record["line"]) == (str(bad / "no_text_raw.jsonl"), 41)


def test_raw_text_in_gbk_is_decoded_and_told(
    call: Call, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from corpus import read_documents

    (tmp_path / "utf8.txt").write_text((bad / "gbk.txt").read_text("gb18030"), encoding="utf-8")
    texts = {}
    for name, source in (("gbk", bad / "gbk.txt"), ("utf8", tmp_path / "utf8.txt")):
        changes = {"--input": str(source), "--txt-unit": "line"}
        assert main(call("corpus build", tmp_path / name, changes)) == 0
        texts[name] = [document.text for document in read_documents(tmp_path / name)]
        assert ("gb18030" if name == "gbk" else "utf-8") in capsys.readouterr().out
    assert texts["gbk"] == texts["utf8"] != []
