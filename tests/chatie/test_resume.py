"""What was paid is never asked again: after an end, a kill, or a torn line; and the key stands nowhere."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

import pytest
from asking import ask, f1
from oracle_server import Mishap, OracleServer

from macbert.annotations import Example, write_examples
from macbert.chatie.cache import AnswerCache
from macbert.cli import main

KEY = "sk-CANARY-0123456789"
TREE = Path(__file__).resolve().parents[2]


def test_a_second_run_asks_nothing_and_says_the_same(ner_gold: list[Example], tmp_path: Path) -> None:
    with OracleServer(ner_gold) as server:
        first = ask(ner_gold, "ner", server, tmp_path)
        asked = len(server.requests)
        second = ask(ner_gold, "ner", server, tmp_path)
    assert len(server.requests) == asked == first.usage.calls
    assert second.usage.calls == 0
    assert second.usage.cached == asked
    assert second.predicted == first.predicted
    assert second.usage.prompt_tokens == first.usage.prompt_tokens


def test_another_setting_is_another_question(ner_gold: list[Example], tmp_path: Path) -> None:
    with OracleServer(ner_gold) as server:
        ask(ner_gold, "ner", server, tmp_path)
        changed = ask(ner_gold, "ner", server, tmp_path, temperature=0.5)
    assert changed.usage.cached == 0


def test_a_killed_run_goes_on_without_a_question_paid_twice(ner_gold: list[Example], tmp_path: Path) -> None:
    """SIGKILL while the fifth question waits for its answer: that one was not paid; the four before were."""
    data, cache = tmp_path / "gold.jsonl", tmp_path / "cache"
    write_examples(data, ner_gold)
    waiting, killed = threading.Event(), threading.Event()

    def hold(number: int, times: int, headers: dict[str, str]) -> Mishap | None:
        if number == 5:
            waiting.set()
            killed.wait(240)
            return Mishap(500, "gone", "text/plain")
        return None

    with OracleServer(ner_gold, mishap=hold) as server:
        command = [sys.executable, "-P", "-m", "macbert", "chatie", "ner", "--data", str(data), "--model", "oracle"]
        command += ["--base-url", server.base_url, "--cache", str(cache), "--concurrency", "1", "--quiet", "--json"]
        environment = {**os.environ, "PYTHONPATH": str(TREE)}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as run:
            assert waiting.wait(240)
            run.kill()
        killed.set()
        assert len(AnswerCache(cache)) == sum(server.asked.values()) == 4
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
        told = json.loads(done.stdout)
    assert told["metrics"]["surface_f1"] == 1.0
    assert told["usage"]["cached"] == 4
    assert set(server.asked.values()) == {1}


def test_a_line_torn_by_a_kill_is_asked_again_and_nothing_else(ner_gold: list[Example], tmp_path: Path) -> None:
    with OracleServer(ner_gold) as server:
        first = ask(ner_gold, "ner", server, tmp_path)
        path = tmp_path / "answers.jsonl"
        path.write_bytes(path.read_bytes()[:-40])
        second = ask(ner_gold, "ner", server, tmp_path)
        third = ask(ner_gold, "ner", server, tmp_path)
    assert second.usage.calls == 1
    assert second.usage.cached == first.usage.calls - 1
    assert third.usage.calls == 0


def test_the_transcript_tells_what_was_asked_and_answered(ner_gold: list[Example], tmp_path: Path) -> None:
    with OracleServer(ner_gold) as server:
        result = ask(ner_gold, "ner", server, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == result.usage.calls
    for line in lines:
        assert line["messages"][-1]["role"] == "user"
        assert line["model"] == "oracle"
        assert line["prompt_tokens"] > 0
        assert json.loads(line["answer"])


def echo(status: int) -> Mishap:
    """A careless server that says the key back."""
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}.", "code": "invalid_api_key"}})
    return Mishap(status, body, headers={"location": f"http://elsewhere.example/?key={KEY}"})


MISHAPS = {
    "answers": None,
    "401": echo(401),
    "403": echo(403),
    "404": echo(404),
    "400": echo(400),
    "429": echo(429),
    "500": echo(500),
    "redirect": echo(307),
    "html": Mishap(200, f"<html>{KEY}</html>", "text/html"),
    "body": Mishap(200, f'{{"{KEY}": 1}}'),
}


def careless(kind: str, received: list[str], gold: list[Example]) -> OracleServer:
    """Return a server that records the key it gets and sends it back wherever it can."""

    def answer(number: int, times: int, headers: dict[str, str]) -> Mishap | None:
        received.append(headers.get("Authorization", ""))
        return MISHAPS[kind]

    return OracleServer(gold, dress=lambda told, question: told.replace("李雷", KEY), mishap=answer)


def flags_of(server: OracleServer, folder: Path) -> list[str]:
    flags = ["chatie", "ner", "--data", str(folder / "gold.jsonl"), "--model", "oracle", "--base-url", server.base_url]
    flags += ["--cache", str(folder / "cache"), "--output", str(folder / "out.jsonl")]
    return [*flags, "--max-retries", "1", "--backoff", "0", "--max-failures", "1"]


EXIT = {"answers": 0, "401": 2, "403": 2, "404": 2, "redirect": 2}


@pytest.mark.parametrize("kind", MISHAPS)
def test_the_key_stands_in_no_file_log_or_report(
    kind: str,
    ner_gold: list[Example],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The key goes out in the Authorization header and nowhere else, though the server sends it back."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(logging.getLogger("openai"), "level", logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.DEBUG)
    received: list[str] = []
    write_examples(tmp_path / "gold.jsonl", ner_gold[:1])
    with careless(kind, received, ner_gold) as server:
        code = main(flags_of(server, tmp_path))
    told = capfd.readouterr()
    assert set(received) == {f"Bearer {KEY}"}
    assert code == EXIT.get(kind, 1), told.err
    assert KEY not in told.out + told.err
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path


def test_the_key_stands_in_nothing_that_a_process_of_its_own_says(ner_gold: list[Example], tmp_path: Path) -> None:
    received: list[str] = []
    write_examples(tmp_path / "gold.jsonl", ner_gold[:1])
    with careless("500", received, ner_gold) as server:
        command = [sys.executable, "-P", "-m", "macbert", *flags_of(server, tmp_path)]
        environment = {**os.environ, "PYTHONPATH": str(TREE), "OPENAI_LOG": "debug", "OPENAI_API_KEY": KEY}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert received == [f"Bearer {KEY}"] * 2
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert KEY not in done.stdout + done.stderr


def test_the_key_is_in_no_traceback_and_no_attribute(
    ner_gold: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from macbert.chatie.client import ChatClient
    from macbert.chatie.config import ChatSettings

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with OracleServer(ner_gold, mishap=lambda *_: echo(500)) as server:
        settings = ChatSettings(base_url=server.base_url, cache=str(tmp_path), max_retries=0, max_failures=1)
        client = ChatClient("oracle", settings, AnswerCache(tmp_path))
        assert KEY not in repr(vars(client))
        with pytest.raises(OSError, match="no answer") as caught:
            client.ask([{"role": "user", "content": "你好"}], None)
        client.close()
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_key_on_the_command_line_is_refused_and_not_said_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for flags in (["--api-key-env", KEY], ["--base-url", f"http://user:{KEY}@127.0.0.1/v1"]):
        code = main(["chatie", "ner", "--text", "李雷", "--schema", '["人物"]', "--model", "m", *flags, "--quiet"])
        told = capsys.readouterr()
        assert code == 2
        assert KEY not in told.out + told.err


def test_hosted_service_without_a_key_says_which_variable(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    flags = ["--text", "李雷", "--schema", '["人物"]', "--model", "m", "--cache", str(tmp_path), "--quiet"]
    assert main(["chatie", "ner", *flags]) == 2
    assert "OPENAI_API_KEY: expected a key in the environment" in capsys.readouterr().err


def test_many_at_once_give_what_one_after_another_gives(ner_gold: list[Example], tmp_path: Path) -> None:
    with OracleServer(ner_gold) as server:
        one = ask(ner_gold, "ner", server, tmp_path / "one", concurrency=1)
        many = ask(ner_gold, "ner", server, tmp_path / "many", concurrency=8)
    assert one.predicted == many.predicted
    assert one.notes == many.notes
    assert f1(many) == 1.0


def test_a_text_that_stands_many_times_is_asked_once(ner_gold: list[Example], tmp_path: Path) -> None:
    def slowly(number: int, times: int, headers: dict[str, str]) -> Mishap | None:
        time.sleep(0.05)  # all eight are under way before the first is answered
        return None

    with OracleServer(ner_gold[:1], mishap=slowly) as server:
        result = ask(ner_gold[:1] * 8, "ner", server, tmp_path, concurrency=8)
    assert set(server.asked.values()) == {1}
    assert result.usage.calls == len(server.asked)
    assert f1(result) == 1.0
