"""The door: the right command is found, flags are read, results and errors leave by the right exit."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import MissingExtra, UserError
from macbert.cli import main
from macbert.cli.commands import COMMANDS, Command


@dataclass(kw_only=True)
class EchoConfig:
    words: list[str]
    """What to say."""
    times: int = 1
    """How often."""
    loud: bool = False
    """Whether to shout."""


@dataclass
class Echo:
    config: EchoConfig

    def summary(self) -> list[tuple[str, str]]:
        return [("said", " ".join(self.config.words * self.config.times)), ("loud", str(self.config.loud))]

    def as_json(self) -> dict[str, Any]:
        return dict(self.summary())


def echo(config: EchoConfig, progress: Callable[[str, int, int | None], None] | None = None) -> Echo:
    if progress:
        progress("saying", 1, 1)
    if "wrong" in config.words:
        raise UserError.at("--words", expected="kind words", found="wrong", fix="say something else")
    if "full" in config.words:
        raise OSError(errno.ENOSPC, "No space left on device", "corpus.parquet")
    if "nested" in config.words:
        raise RuntimeError("I/O error: No space left on device (os error 28)")
    if "extra" in config.words:
        raise MissingExtra("ray", "ray", "--engine ray")
    if "bug" in config.words:
        raise KeyError("ours")
    return Echo(config)


@pytest.fixture(autouse=True)
def _echo_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, ("echo",), Command("say", f"{__name__}:EchoConfig", f"{__name__}:echo"))
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])


def test_flags_become_fields_and_the_summary_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["echo", "--words", "你好", "世界", "--times=2", "--loud"]) == 0
    assert capsys.readouterr().out.split() == ["said", "你好", "世界", "你好", "世界", "loud", "True"]


def test_json_is_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["echo", "--words", "你好", "--no-loud", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"said": "你好", "loud": "False"}


def test_of_several_processes_the_first_one_tells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "of torchrun")
    for rank, told in (("0", True), ("1", False)):
        monkeypatch.setenv("RANK", rank)
        assert main(["echo", "--words", "你好", "--no-loud", "--json"]) == 0
        assert bool(capsys.readouterr().out) == told


def test_a_flag_may_be_written_with_underscores(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--no_such_flag", "1"]) == 2
    assert "'--no-such-flag'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["echo", "--words", "wrong"], 2, "--words: expected kind words, found wrong; say something else"),
        (["echo", "--wrods", "a"], 2, "did you mean '--words'?"),
        (["echo"], 2, "--words: expected a value (What to say.), found none; pass --words"),
        (["echo", "--words", "a", "--times", "many"], 2, "--times: expected"),
        (["echo", "--words"], 2, "expected at least one argument"),
        (["ehco"], 2, "did you mean 'echo'?"),
        (["corpus", "biuld"], 2, "did you mean 'build'?"),
        (["echo", "--words", "extra"], 2, "pip install 'macbert-zh[ray]'"),
        (["echo", "--words", "full"], 1, "the disk is full"),
        (["echo", "--words", "nested"], 1, "the disk is full"),
    ],
)
def test_a_mistake_is_one_line_and_the_exit_code_says_whose_it_is(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("saying")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("macbert: error: ")
    assert message in lines[0]


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(KeyError, match="ours"):
        main(["echo", "--words", "bug", "--quiet"])


def test_every_command_has_a_help_page_that_names_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    for path in [path for path in COMMANDS if path != ("echo",)]:
        assert main([*path, "--help"]) == 0
        page = capsys.readouterr().out
        assert page.startswith(f"usage: macbert {' '.join(path)}")
    assert main(["echo", "--help"]) == 0
    assert "What to say. [required]" in capsys.readouterr().out


def test_without_a_command_the_list_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(" ".join(path) in listed for path in COMMANDS)
    assert main(["tokenizer"]) == 0
    page = capsys.readouterr().out
    assert "macbert tokenizer encode" in page
    assert "macbert pretrain" not in page


@pytest.mark.parametrize(
    "command",
    [
        "corpus report NOTHING",
        "corpus verify NOTHING",
        "corpus score train --positive NOTHING --negative NOTHING --output OUT",
        "tokenizer extend --model NOTHING --words 新词 --output OUT",
        "tokenizer trim --model NOTHING --output OUT",
        "data convert --source cluener --input NOTHING --output OUT",
        "data validate --input NOTHING",
    ],
)
def test_a_missing_input_is_named_and_nothing_is_written(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"NOTHING": str(tmp_path / "nothing"), "OUT": str(tmp_path / "out")}
    assert main([*(places.get(word, word) for word in command.split()), "--quiet"]) == 2
    assert f"macbert: error: {tmp_path / 'nothing'}: expected" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
