"""Everything that can be wrong, a sound call of every command, and a disk that is full."""

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

from macbert.cli import main
from macbert.cli.commands import COMMANDS

ERROR = re.compile(r"macbert: error: (?P<where>.+?): expected .+, found .+; \S.+")
"""Where, what was expected, what was found, what to do."""


@pytest.fixture(scope="session")
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
    pages = [{"text": json.loads(line)["text"]} for line in raw.splitlines()]
    write("both_classes.jsonl", [*reviews, pages[0]])
    write("gbk.jsonl", rows, "gb18030")
    write("gbk.txt", [row["text"] for row in rows], "gb18030")
    write("key.yaml", ["# a recipe", "max_step: 5"])
    write("corpus_key.yaml", ["text_kye: body"])
    write("tab.yaml", ["data:", "\t- a"])
    write("task.yaml", ["task: classify", f"train: {small_road.reviews}", f"dev: {small_road.reviews}", "max_steps: 1"])
    (folder / "half.parquet").write_bytes(_half(next(small_road.corpus.glob("part-*.parquet"))))
    for name in ("run", "ner", "tokens", "tokenizer", "corpus"):
        shutil.copytree(getattr(small_road, name), folder / name)
    _flip(folder / "run" / "model.safetensors")
    _flip(folder / "ner" / "model.safetensors")
    _flip(next((folder / "tokens").glob("*.arrow")))
    shard = next((folder / "corpus").glob("part-*.parquet"))
    shard.write_bytes(_half(shard))
    shutil.copytree(small_road.corpus, folder / "reported")
    (folder / "reported" / "report.json").write_bytes(_half(small_road.corpus / "report.json"))
    table = folder / "tokenizer" / "similar.safetensors"
    table.write_bytes(_half(table))
    shutil.copytree(small_road.tokenizer, folder / "lexicon")
    (folder / "lexicon" / "lexicon.tsv").write_bytes(_half(small_road.tokenizer / "lexicon.tsv"))
    # As a download that broke off leaves it: with no manifest to compare with.
    shutil.copytree(small_road.run, folder / "torn_run", ignore=shutil.ignore_patterns("manifest.json"))
    (folder / "torn_run" / "model.safetensors").write_bytes(_half(small_road.run / "model.safetensors"))
    shutil.copytree(small_road.ner, folder / "torn_task")
    (folder / "torn_task" / "task.json").write_text('{"schema_version": 1', encoding="utf-8")
    law = {"E": 1.7, "A": 40.0, "alpha": 0.3, "B": 320.0, "beta": 0.3}
    size = {"layers": 2, "hidden": 128}
    point = {"run": "a", "size": size, "tokens": 9, "loss": 5.0, "length": 64, "vocab_size": 2000, "chosen": 0.15}
    fit = {"points": [point], "size_law": law, "size_samples": [[law, 0.0]], "compute_law": None, "frontier_runs": [0]}
    for name, text in (("fit", json.dumps(fit)), ("torn_fit", json.dumps(fit)[:40])):
        (folder / name).mkdir()
        (folder / name / "fit.json").write_text(text, encoding="utf-8")
    assert main(f"export --format tf --model {small_road.run} --output {folder / 'tf'} --quiet".split()) == 0
    shutil.copytree(folder / "tf", folder / "torn_tf")
    _flip(folder / "torn_tf" / "bert_model.ckpt.data-00000-of-00001")
    shutil.copytree(folder / "tf", folder / "two_tf")
    shutil.copyfile(folder / "tf" / "bert_model.ckpt.index", folder / "two_tf" / "other.index")
    write("no_secret.jsonl", [{"id": 0, "before": "口令是", "secret": "山水", "after": "。", "planted": 1}, {"id": 1}])
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
    "corpus report": {"": "{corpus}"},
    "corpus verify": {"": "{corpus}"},
    "corpus score train": {"--positive": "{raw}", "--negative": "{reviews}", "--output": "{out}"},
    "tokenizer extend": {"--model": "{run}", "--words": "龘", "--output": "{out}"},
    "tokenizer trim": {"--model": "{run}", "--output": "{out}"},
    "adapt-report": {
        "--before": "{run}",
        "--after": "{run}",
        "--task": "{bad}/task.yaml",
        "--domain": "{tokens}",
        "--output": "{out}",
        "--seeds": "1",
    },
    "data convert": {"--source": "macbert", "--target": "cluener", "--input": "{train}", "--output": "{out}"},
    "data validate": {"--input": "{train}"},
    "audit": {"--model": "{run}", "--output": "{out}", "--bias": "none"},
    "audit plant": {"--input": "{raw}", "--output": "{out}", "--counts": "1"},
    "scaling fit": {"--data": "{tokens}", "--output": "{out}"},
    "scaling predict": {"--prediction": "{out}", "--fit": "{bad}/fit", "--size": "4x256", "--tokens": "1000000"},
    "scaling plan": {"--fit": "{bad}/fit", "--hours": "1", "--flops-per-second": "1e12"},
    "export": {"--model": "{ner}", "--output": "{out}"},
    "import": {"--input": "{bad}/tf", "--output": "{out}"},
    "serve": {"--model": "{ner}", "--port": "0"},
    "completion": {"": "bash"},
    "studio": {"--corpus": "{corpus}", "--run": "{run}", "--model": "{ner}", "--port": "0"},
    "recipes ls": {"": "pretrain"},
    "recipes show": {"": "tiny"},
    "recipes cp": {"": "tiny", "--output": "{out}"},
    "chatie ner": {"--model": "m", "--base-url": "http://127.0.0.1:9/v1", "--data": "{dev}", "--cache": "{out}"},
    "doctor": {"--folder": "{bad}", "--self-test": "false"},
}
"""A sound call of every command; a case changes one setting of it."""

IN_PLACE = ("predict", "data convert", "recipes cp")
"""Commands whose output is a file: somebody's file of that name is theirs to replace."""


@pytest.fixture
def sound_calls() -> list[str]:
    """Return the commands of which a sound call stands in this file."""
    return list(GOOD)


LONG_COMMANDS = {" ".join(path) for path, row in COMMANDS.items() if row.long}
LONG = [call for call in GOOD if call in LONG_COMMANDS or (call.split()[0] in LONG_COMMANDS and call != "audit plant")]
"""Sound calls of commands that take ``--dry-run``."""


@pytest.fixture
def long_commands() -> list[str]:
    """Return the sound calls of commands that take ``--dry-run``."""
    return LONG


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with ``any_command`` every command, one with ``folder_command`` those that write a folder, and one
    with ``mistake`` each of its module's ``CASES``: a command, what is wrong in its call, and what must be said."""
    if "any_command" in metafunc.fixturenames:
        metafunc.parametrize("any_command", GOOD)
    if "long_command" in metafunc.fixturenames:
        metafunc.parametrize("long_command", LONG)
    if "folder_command" in metafunc.fixturenames:
        writing = [command for command, flags in GOOD.items() if "--output" in flags and command not in IN_PLACE]
        metafunc.parametrize("folder_command", writing)
    if "mistake" in metafunc.fixturenames:
        names = [
            f"{command} {' '.join(filter(None, changes.values()))}".replace("/", ":")
            for command, changes, _ in metafunc.module.CASES
        ]
        metafunc.parametrize("mistake", metafunc.module.CASES, ids=names)


Call = Callable[[str, Path, dict[str, str | None]], list[str]]


@pytest.fixture
def call(small_road: Any, bad: Path) -> Call:
    """Return the arguments of a sound call of a command, but for some changes; None leaves a flag out."""

    def arguments(command: str, out: Path, changes: dict[str, str | None]) -> list[str]:
        names = {**{name: str(value) for name, value in vars(small_road).items()}, "bad": str(bad), "out": str(out)}
        flags = [
            part.format(**names)
            for flag, value in {**GOOD[command], **changes}.items()
            if value is not None
            for part in (flag, value)
            if part
        ]
        return [*command.split(), *flags, "--quiet"]

    return arguments


def listing(*folders: Path) -> dict[str, int]:
    """Return the size of every file under some folders, hidden ones too; folders have size -1."""
    return {
        str(path): path.stat().st_size if path.is_file() else -1 for folder in folders for path in folder.rglob("*")
    }


@pytest.fixture
def refused(
    call: Call, small_road: Any, bad: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """Run a command that must be refused as the user's mistake, and return its error lines."""

    def run(command: str, changes: dict[str, str | None]) -> list[str]:
        places = (tmp_path, bad, small_road.run.parent)
        before = listing(*places)
        capsys.readouterr()
        code = main(call(command, tmp_path / "out", changes))
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
