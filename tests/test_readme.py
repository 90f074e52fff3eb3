"""What README.md tells people to type does what it says, on some pages of the People's Daily."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Runs commands and Python blocks one after the other in one process: importing torch a dozen times would take a minute.
# All is as written but the length of pretraining: tiny's 2,000 steps take ten minutes.
DRIVER = """
import contextlib, io, json, shlex, sys, traceback

from macbert.cli import main

for kind, text in json.load(open(sys.argv[1], encoding="utf-8")):
    out, code = io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            if kind == "bash":
                name, *arguments = shlex.split(text)
                assert name == "macbert", name
                code = main(arguments + (["--max-steps", "4"] if arguments[0] == "pretrain" else []))
            else:
                exec(compile(text, "README.md", "exec"), {})
        except BaseException:
            traceback.print_exc()
            code = 1
    print(json.dumps({"text": text, "code": code, "output": out.getvalue()}), flush=True)
"""


def blocks() -> list[tuple[str, str]]:
    """Return the README's bash commands, one by one, and Python blocks, in order."""
    found: list[tuple[str, str]] = []
    for kind, text in re.findall(r"^```(bash|python)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.S | re.M):
        if kind == "bash":
            lines = text.replace("\\\n", " ").splitlines()
            found += [("bash", line) for line in lines if line.strip() and not line.startswith("#")]
        else:
            found.append(("python", text))
    return found


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A folder in which the README was followed to the letter, and what each of its commands printed."""
    from macbert.demo.source import people_daily

    folder = tmp_path_factory.mktemp("readme")
    documents = [document for document, _ in zip(people_daily(), range(60), strict=False)]
    texts = [{"id": name, "text": "\n".join(paragraph.text for paragraph in page)} for name, page in documents[:50]]
    named = [
        {
            "id": f"{name}-{number}",
            "text": paragraph.text,
            "entities": [{"start": start, "end": end, "type": kind} for start, end, kind in paragraph.names()],
        }
        for name, page in documents
        for number, paragraph in enumerate(page)
        if len(paragraph.text) < 120
    ]
    write_lines(folder / "data" / "raw" / "news.jsonl", texts)
    for part, rows in (("train", named[:200]), ("dev", named[200:240]), ("test", named[240:280])):
        write_lines(folder / "data" / "ner" / f"{part}.jsonl", rows)
    (folder / "blocks.json").write_text(json.dumps(blocks()), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, "blocks.json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


def test_every_command_and_python_block_works_as_written(road: tuple[Path, list[dict[str, Any]]]) -> None:
    _, results = road
    assert [result["text"] for result in results] == [text for _, text in blocks()]
    failed = [f"{result['text']}\n{result['output']}" for result in results if result["code"]]
    assert not failed, "\n".join(failed)
    assert not [result["text"] for result in results if "Traceback" in result["output"]]


def test_the_folders_that_it_names_are_there(road: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = road
    kinds = {
        name: json.loads((folder / name / "manifest.json").read_text("utf-8"))["kind"]
        for name in ("data/corpus", "data/tokenizer", "data/tokens", "runs/tiny")
    }
    assert list(kinds.values()) == ["corpus", "tokenizer", "tokens", "run"]
    assert (folder / "data" / "corpus" / "report.html").is_file()
    assert (folder / "data" / "tokenizer" / "similar.tsv").is_file()


def test_the_inspect_line_of_the_notes_works_too(road: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = road
    (line,) = re.findall(r"`(macbert tokenizer inspect [^`]*)`", (ROOT / "README.md").read_text("utf-8"))
    done = subprocess.run(
        [sys.executable, "-m", *line.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "语言" in done.stdout
