"""Bad input to every command: the right exit code, one clear line a mistake, no traceback, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from macbert.cli import main

ERROR = re.compile(r"macbert: error: (?P<where>.+?): expected .+, found .+; \S.+")
"""Where, what was expected, what was found, what to do."""

FAULT = re.compile(r"macbert: error: .*(no space left on device|Permission denied|Read-only file system).*")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads cost more than they give on models of this size."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def bad(small_road: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of everything that can be wrong, by name; nothing is written to it by a test."""
    folder = tmp_path_factory.mktemp("bad")
    rows = [json.loads(line) for line in small_road.train.read_text("utf-8").splitlines()]
    reviews = [json.loads(line) for line in small_road.reviews.read_text("utf-8").splitlines()]
    raw = small_road.raw.read_text("utf-8")

    def write(name: str, lines: list[Any], encoding: str = "utf-8") -> None:
        text = "".join(
            (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)) + "\n" for line in lines
        )
        (folder / name).write_text(text, encoding=encoding)

    (folder / "empty.jsonl").touch()
    (folder / "empty").mkdir()
    (folder / "somebody").mkdir()
    (folder / "somebody" / "thesis.txt").write_text("三年的心血", encoding="utf-8")
    (folder / "file").write_text("一个文件", encoding="utf-8")
    write("no_text_raw.jsonl", [*raw.splitlines(), {"title": "没有正文"}])
    write("no_text.jsonl", [*rows[:2], {"entities": []}, *rows[2:]])
    write("no_label.jsonl", [*reviews[:2], {"text": "没有标签"}, *reviews[2:]])
    write("not_json.jsonl", [*rows[:2], '{"text": "oops', *rows[2:]])
    span = {"text": "王芳在北京。", "entities": [{"start": 3, "end": 99, "type": "ns"}]}
    write("span.jsonl", [*rows[:2], span, *rows[2:]])
    write("gbk.jsonl", rows, "gb18030")
    write("gbk.txt", [row["text"] for row in rows], "gb18030")
    write("key.yaml", ["# a recipe", "max_step: 5"])
    write("corpus_key.yaml", ["text_kye: body"])
    write("tab.yaml", ["data:", "\t- a"])
    (folder / "half.parquet").write_bytes(_half(next(small_road.corpus.glob("part-*.parquet"))))
    for name in ("run", "ner", "tokens", "tokenizer", "corpus"):
        shutil.copytree(getattr(small_road, name), folder / name)
    _flip(folder / "run" / "model.safetensors")
    _flip(folder / "ner" / "model.safetensors")
    _flip(next((folder / "tokens").glob("*.arrow")))
    shard = next((folder / "corpus").glob("part-*.parquet"))
    shard.write_bytes(_half(shard))
    table = folder / "tokenizer" / "similar.safetensors"
    table.write_bytes(_half(table))
    shutil.copytree(small_road.tokenizer, folder / "lexicon")
    (folder / "lexicon" / "lexicon.tsv").write_bytes(_half(small_road.tokenizer / "lexicon.tsv"))
    # As a download that broke off leaves it: with no manifest to compare with.
    shutil.copytree(small_road.run, folder / "torn_run", ignore=shutil.ignore_patterns("manifest.json"))
    (folder / "torn_run" / "model.safetensors").write_bytes(_half(small_road.run / "model.safetensors"))
    shutil.copytree(small_road.ner, folder / "torn_task")
    (folder / "torn_task" / "task.json").write_text('{"schema_version": 1', encoding="utf-8")
    return folder


def _half(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: len(data) // 2]


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x20
    path.write_bytes(bytes(data))


GOOD: dict[str, dict[str, str]] = {
    "corpus build": {"--input": "{raw}", "--output": "{out}", "--preset": "keep-all"},
    "tokenizer train": {"--input": "{corpus}", "--output": "{out}", "--vocab-size": "2000"},
    "tokenizer similar": {"--input": "{corpus}", "--tokenizer": "{tokenizer}", "--output": "{out}"},
    "tokenizer encode": {"--input": "{corpus}", "--tokenizer": "{tokenizer}", "--output": "{out}"},
    "tokenizer inspect": {"--tokenizer": "{tokenizer}", "--text": "我们使用语言模型。"},
    "pretrain": {
        "--model": "tiny",
        "--data": "{tokens}",
        "--output": "{out}",
        "--max-steps": "1",
        "--global-batch-size": "2",
        "--max-length": "64",
        "--eval-rows": "2",
    },
    "finetune ner": {
        "--model": "{run}",
        "--train": "{train}",
        "--dev": "{dev}",
        "--output": "{out}",
        "--max-steps": "1",
        "--eval-strategy": "steps",
        "--eval-steps": "1",
    },
    "finetune classify": {"--model": "{run}", "--train": "{reviews}", "--dev": "{reviews}", "--output": "{out}"},
    "evaluate ner": {"--model": "{ner}", "--data": "{dev}"},
    "predict": {"--model": "{ner}", "--input": "{dev}", "--output": "{out}"},
    "demo": {"--output": "{out}"},
}
"""A sound call of every command; a case changes one setting of it."""


def arguments(command: str, small_road: Any, bad: Path, out: Path, changes: dict[str, str] | None = None) -> list[str]:
    names = {**{name: str(value) for name, value in vars(small_road).items()}, "bad": str(bad), "out": str(out)}
    flags = [
        part.format(**names)
        for flag, value in {**GOOD[command], **(changes or {})}.items()
        for part in (flag, value)
        if part
    ]
    return [*command.split(), *flags, "--quiet"]


def listing(*folders: Path) -> dict[str, int]:
    """Return the size of every file under some folders, hidden ones too; folders have size -1."""
    return {
        str(path): path.stat().st_size if path.is_file() else -1 for folder in folders for path in folder.rglob("*")
    }


@pytest.fixture
def refused(small_road: Any, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Run a command that must be refused as the user's mistake, and return its error lines."""

    def run(command: str, changes: dict[str, str], out: Path | None = None) -> list[str]:
        places = (tmp_path, bad, small_road.run.parent)
        before = listing(*places)
        capsys.readouterr()
        code = main(arguments(command, small_road, bad, out or tmp_path / "out", changes))
        printed = capsys.readouterr()
        assert code == 2, printed
        assert "Traceback" not in printed.err + printed.out
        lines = printed.err.splitlines()
        assert lines
        assert all(ERROR.fullmatch(line) for line in lines), printed.err
        assert printed.out == ""
        assert listing(*places) == before
        return lines

    return run


CASES: list[tuple[str, dict[str, str], str]] = [
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
    *[(command, {"--ouptut": "x"}, r"'--ouptut'") for command in GOOD],
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
    *[
        (command, {"--output": "{bad}/somebody"}, r"/somebody: expected .* found a folder with other files")
        for command in GOOD
        if "--output" in GOOD[command] and command != "predict"
    ],
    *[
        (command, {"--output": "{bad}/file"}, r"/file: expected .* found a file")
        for command in GOOD
        if "--output" in GOOD[command] and command != "predict"
    ],
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


def name_of(case: tuple[str, dict[str, str], str]) -> str:
    command, changes, _ = case
    return f"{command} {' '.join(f'{flag} {value}' for flag, value in changes.items())}".replace("/", ":")


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_mistake_is_told_with_its_place_and_its_cure(
    case: tuple[str, dict[str, str], str], refused: Callable[..., list[str]]
) -> None:
    command, changes, pattern = case
    lines = refused(command, changes)
    assert re.search(pattern, "\n".join(lines)), lines


def test_a_record_without_text_is_set_aside_and_counted_below_the_limit(
    small_road: Any, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"--input": "{bad}/no_text_raw.jsonl", "--max-bad-ratio": "0.05", "--json": ""}
    assert main(arguments("corpus build", small_road, bad, tmp_path / "out", changes)) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["quarantined"] == {"no_text": 1}
    assert report["read"] == 41 == report["kept"] + sum(report["dropped"].values()) + 1
    (line,) = (tmp_path / "out" / "rejected" / "no_text").glob("*.jsonl")
    record = json.loads(line.read_text("utf-8"))
    assert (record["file"], record["line"]) == (str(bad / "no_text_raw.jsonl"), 41)


def test_raw_text_in_gbk_is_decoded_and_told(
    small_road: Any, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from corpus import read_documents

    (tmp_path / "utf8.txt").write_text((bad / "gbk.txt").read_text("gb18030"), encoding="utf-8")
    texts = {}
    for name, source in (("gbk", bad / "gbk.txt"), ("utf8", tmp_path / "utf8.txt")):
        changes = {"--input": str(source), "--txt-unit": "line"}
        assert main(arguments("corpus build", small_road, bad, tmp_path / name, changes)) == 0
        texts[name] = [document.text for document in read_documents(tmp_path / name)]
        assert ("gb18030" if name == "gbk" else "utf-8") in capsys.readouterr().out
    assert texts["gbk"] == texts["utf8"] != []


FREE_BYTES = {
    "corpus build": 40_000,
    "tokenizer train": 60_000,
    "tokenizer similar": 200_000,
    "tokenizer encode": 100_000,
    "pretrain": 400_000,
    "finetune ner": 400_000,
    "evaluate ner": 0,
    "predict": 0,
}
"""What is left on the disk of 1 MB: less than the command writes, and enough for it to begin."""


def write_arguments(command: str, small_road: Any, bad: Path, out: Path) -> list[str]:
    return arguments(command, small_road, bad, out, {"--output": "{out}"} if command == "evaluate ner" else None)


class SmallDisk:
    """A real file system of 1 MB: mounted here where permitted, else for one command in a name space of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.mounted = self._try(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)])
        if not self.mounted and not self._try(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(folder)]):
            pytest.skip("this machine permits neither mount nor unshare, so no disk can be filled")

    @staticmethod
    def _try(command: list[str]) -> bool:
        return shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True).returncode == 0

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)

    def run(self, command: list[str], free: int, read_only: bool, capsys: Any) -> tuple[int, str, list[str]]:
        """Return the exit code, the error lines and the files that are left on the disk."""
        filler = self.folder / "filler"
        if self.mounted:
            filler.write_bytes(b"\0" * ((1 << 20) - free // 4096 * 4096))
            if read_only:
                subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)
            capsys.readouterr()
            code, error = main(command), capsys.readouterr().err
            left = [str(path) for path in self.folder.rglob("*") if path != filler]
            if read_only:
                subprocess.run(["mount", "-o", "remount,rw", str(self.folder)], check=True)
            return code, error, left
        script = (
            'mount -t tmpfs -o size=1m tmpfs "$1"; head -c "$2" /dev/zero > "$1/filler"; '
            'test "$3" = ro && mount -o remount,ro "$1"; folder="$1"; shift 3; "$@"; '
            'code=$?; echo "LEFT"; find "$folder" -mindepth 1 -not -name filler; exit $code'
        )
        size = (1 << 20) - free // 4096 * 4096
        inner = ["sh", "-c", script, "sh", str(self.folder), str(size), "ro" if read_only else "rw"]
        done = subprocess.run(
            ["unshare", "-rm", *inner, sys.executable, "-m", "macbert", *command],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        return done.returncode, done.stderr, done.stdout.split("LEFT\n")[1].splitlines()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.mark.parametrize("command", FREE_BYTES)
def test_a_full_disk_is_one_line_and_nothing_half_written_remains(
    command: str, small_road: Any, bad: Path, small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    call = write_arguments(command, small_road, bad, small_disk.folder / "out")
    code, error, left = small_disk.run(call, FREE_BYTES[command], False, capsys)
    assert code == 1, error
    lines = [line for line in error.splitlines() if "macbert: error:" in line]
    assert len(lines) == 1, error
    assert FAULT.fullmatch(lines[0])
    assert "Traceback" not in error
    assert [path for path in left if not is_kept(command, path)] == []


def is_kept(command: str, path: str) -> bool:
    """A run's record and logs are what it goes on from, with its last whole checkpoint; all else must be gone."""
    kept = ("/out", "/run.json", "/log.jsonl", "/tensorboard")
    return command == "pretrain" and (path.endswith(kept) or "/tensorboard/" in path)


@pytest.mark.parametrize("command", [*FREE_BYTES, "demo"])
def test_a_place_that_may_not_be_written_is_one_line(
    command: str, small_road: Any, bad: Path, small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    call = write_arguments(command, small_road, bad, small_disk.folder / "out")
    code, error, left = small_disk.run(call, 1 << 19, True, capsys)
    assert code == 1, error
    lines = error.splitlines()
    assert len(lines) == 1, error
    assert FAULT.fullmatch(lines[0])
    assert str(small_disk.folder) in lines[0]
    assert left == []
