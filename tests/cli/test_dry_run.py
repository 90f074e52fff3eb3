"""``--dry-run``: the checks of the real run, what it would read, write, take and need, and an untouched file system."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.dry_run import About, Plan, is_dry_run, plan_of, planned, together
from corpus.errors import UserError
from macbert.cli import main
from macbert.cli.commands import COMMANDS

pytestmark = pytest.mark.usefixtures("one_thread")

Call = Callable[[str, Path, dict[str, str | None]], list[str]]


def state(*folders: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of everything under some folders, hidden files too, and of the folders."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


def test_a_dry_run_tells_the_four_things_and_touches_nothing(
    long_command: str,
    call: Call,
    small_road: Any,
    bad: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    places = (tmp_path, bad, small_road.run.parent)
    arguments = [*call(long_command, tmp_path / "out", _more(long_command, bad)), "--dry-run"]
    before = state(*places)
    assert main(arguments) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert state(*places) == before
    for label in ("reads", "writes", "time", "memory", "disk"):
        assert f"\n{label} " in f"\n{told}" or (label == "writes" and not plan["writes"]), told
    assert plan["dry_run"] is True
    assert plan["reads"]
    assert all(row["bytes"] > 0 for row in plan["reads"] if Path(row["path"]).exists() and row["path"] not in told)
    for name in ("seconds", "memory_bytes", "disk_bytes"):
        value, basis = plan[name]["value"], plan[name]["basis"]
        assert basis
        assert value is None or value >= 0
    # Only a chat model's server could tell its time.
    assert (plan["seconds"]["value"] is None) == long_command.startswith("chatie")
    if "--output" in arguments:
        assert str(tmp_path / "out") in plan["writes"]


def _more(command: str, bad: Path) -> dict[str, str | None]:
    return {"--preset": "default"} if command == "corpus build" else {}


def test_every_long_command_has_a_sound_call_here(long_commands: list[str]) -> None:
    offered = {" ".join(path) for path, command in COMMANDS.items() if command.long}
    assert {name for name in offered if any(call.startswith(name) for call in long_commands)} == offered


@pytest.mark.parametrize(
    ("command", "changes", "message"),
    [
        ("corpus build", {"--input": "{bad}/empty.jsonl"}, "found an empty file"),
        ("corpus build", {"--input": "{bad}/no_text_raw.jsonl", "--text-key": "body"}, "no record with it"),
        ("corpus build", {"--output": "{bad}/somebody"}, "expected an empty or new folder"),
        ("corpus build", {"--input": "-"}, "expected files that are here, found -"),
        ("tokenizer encode", {"--input": "{bad}/corpus"}, "SHA-256"),
        ("pretrain", {"--data": "{bad}/tokens"}, "tokens"),
        ("finetune ner", {"--train": "{bad}/span.jsonl"}, "span.jsonl:3"),
        ("finetune ner", {"--model": "{bad}/torn_run"}, "torn_run"),
        ("chatie ner", {"--cache": "{bad}/file"}, "--cache: expected a folder"),
        ("predict", {"--input": "{bad}/not_json.jsonl"}, "not_json.jsonl:3"),
        ("scaling fit", {"--sizes": "4x100"}, "--size: expected"),
    ],
)
def test_a_dry_run_refuses_what_the_real_run_refuses(
    command: str,
    changes: dict[str, str | None],
    message: str,
    refused: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dry = refused(command, {**changes, "--dry-run": ""})
    assert any(message in line for line in dry), dry
    if changes.get("--input") != "-":
        assert refused(command, changes) == dry


def test_the_finished_shards_of_a_killed_encoding_outlive_a_dry_run_that_is_refused(
    call: Call, tmp_path: Path, bad: Path
) -> None:
    left = tmp_path / ".out.partial" / "shard"
    left.mkdir(parents=True)
    (left / "done.json").write_text("{}")
    wrong = {"--user-dictionary": f"{bad}/none"}
    assert main([*call("tokenizer encode", tmp_path / "out", wrong), "--dry-run"]) == 2
    assert (left / "done.json").is_file()


@pytest.mark.parametrize(
    ("command", "changes", "told"),
    [
        ("tokenizer encode", {"--input": None, "--raw": "{raw}"}, "documents encoded, after reading"),
        ("export", {"--format": "tf"}, "three passes over the weights"),
        ("evaluate ner", {"--chatie": "m", "--endpoint.base-url": "http://127.0.0.1:9/v1"}, "not known"),
        ("corpus build", {"--workers": "2", "--preset": "web"}, "the steps timed on"),
    ],
)
def test_other_ways_of_a_command_are_planned_too(
    command: str,
    changes: dict[str, str | None],
    told: str,
    call: Call,
    small_road: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if command == "export":
        changes = {**changes, "--model": "{run}"}
    before = state(tmp_path, small_road.run.parent)
    assert main([*call(command, tmp_path / "out", changes), "--dry-run"]) == 0, capsys.readouterr().err
    assert told in capsys.readouterr().out
    assert state(tmp_path, small_road.run.parent) == before


def test_a_run_that_is_half_done_is_told_by_what_is_left(
    call: Call, small_road: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_road.run, tmp_path / "out")
    changes: dict[str, str | None] = {"--max-length": None, "--eval-rows": None, "--global-batch-size": "4"}
    assert main([*call("pretrain", tmp_path / "out", changes), "--dry-run"]) == 0
    assert "0 of 1 steps" in capsys.readouterr().out


def test_short_commands_know_no_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "ls", "--dry-run"]) == 2
    assert "expected a known flag, found '--dry-run'" in capsys.readouterr().err


def test_estimates_add_up_only_where_all_are_known() -> None:
    known = Plan([("a", 1)], ["x"], About(1.0, "timed"), About(5, "own"), About(2, "text"))
    unknown = Plan([("a", 1), ("b", 2)], ["y"], About(None, "the server"), About(3, "own"), About(4, "text"))
    both = together([known, unknown], writes=["z"])
    assert both.reads == [("a", 1), ("b", 2)]
    assert both.seconds == About(None, "timed; the server")
    assert (both.memory.value, both.disk.value) == (5, 6)


def test_outside_a_dry_run_nothing_is_planned() -> None:
    planned(lambda: pytest.fail("made a plan"))

    def refuse() -> None:
        raise UserError.at("a", expected="b", found="c", fix="d")

    with pytest.raises(UserError):
        plan_of(refuse)
    assert not is_dry_run()
