"""Every code block of the pages does what the page says, in order, in a folder of the page's own."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from macbert.cli.commands import COMMANDS
from macbert.cli.parsing import parse_arguments

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DRIVER = Path(__file__).with_name("page_driver.py")
sys.path.insert(0, str(ROOT / "scripts" / "docs"))
from page_blocks import RUNNABLE, Block, page_blocks  # noqa: E402

sys.path.pop(0)

PAGES = sorted(DOCS.rglob("*.md"))
ENGLISH = [path for path in PAGES if not path.name.endswith(".zh.md")]
FROM_NOTHING = ("start", "guides/corpus", "guides/pretrain", "guides/ner")
"""Pages that begin in an empty folder; the others begin with what these leave: corpus, tokens, a run, a model."""
SHOWN = ("", "text", "json", "yaml")
"""Languages of blocks that show data or a screen."""


def name_of(path: Path) -> str:
    return path.relative_to(DOCS).with_suffix("").as_posix()


def pages_to_run() -> list[Path]:
    return [path for path in ENGLISH if any(block.runs for block in page_blocks(path))]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def furnish(folder: Path, road: Any) -> None:
    """Put into a page's folder what the pages before it made."""
    for kind, place in (("corpus", "data/corpus"), ("tokenizer", "data/tokenizer"), ("tokens", "data/tokens")):
        shutil.copytree(getattr(road, kind), folder / place)
    for kind in ("run", "ner"):
        shutil.copytree(getattr(road, kind), folder / "runs" / {"run": "tiny"}.get(kind, kind))
    paragraphs = [
        line for row in road.raw.read_text("utf-8").splitlines() for line in json.loads(row)["text"].split("\n")
    ]
    write_rows(folder / "data" / "raw" / "news.jsonl", [{"text": line} for line in paragraphs if len(line) > 20])
    write_rows(
        folder / "data" / "raw" / "chats.jsonl",
        [{"text": "有事请打王芳的电话13800138000，或者写信到zhangsan@qq.com。"}],
    )
    (folder / "data" / "ner").mkdir()
    for part in ("train", "dev"):
        shutil.copy(getattr(road, part), folder / "data" / "ner" / f"{part}.jsonl")
    shutil.copy(road.dev, folder / "data" / "ner" / "test.jsonl")


def follow(paths: Iterable[Path], road: Any, folder: Path, *, shorten: bool) -> dict[str, list[dict[str, Any]]]:
    """Run the blocks of pages and return what became of each block, by page."""
    pages = []
    for path in paths:
        place = folder / name_of(path).replace("/", "-")
        place.mkdir()
        if name_of(path) not in FROM_NOTHING:
            furnish(place, road)
        blocks = [asdict(block) for block in page_blocks(path) if block.language in RUNNABLE]
        pages.append({"page": name_of(path), "folder": str(place), "blocks": blocks})
    job = {"shorten": shorten, "vocab": str(road.tokenizer / "vocab.txt"), "pages": pages}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(folder / "job.json")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=1500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, list[dict[str, Any]]] = {page["page"]: [] for page in pages}
    for line in done.stdout.splitlines():
        if line.startswith('{"page"'):
            result = json.loads(line)
            found[result["page"]].append(result)
    return found


@pytest.fixture(scope="module")
def results(small_road: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What became of every block of the English pages, their trainings cut to some steps."""
    return follow(pages_to_run(), small_road, tmp_path_factory.mktemp("pages"), shorten=True)


@pytest.mark.parametrize("path", pages_to_run(), ids=name_of)
def test_every_block_of_a_page_works_as_written(path: Path, results: dict[str, list[dict[str, Any]]]) -> None:
    reached = results[name_of(path)]
    failed = [f"{path.name}:{result['line']}\n{result['output']}" for result in reached if result["code"]]
    assert not failed, "\n".join(failed)
    assert len(reached) == sum(block.language in RUNNABLE for block in page_blocks(path))
    assert not [result for result in reached if "Traceback" in result["output"]]


def test_what_the_pages_promise_is_printed(results: dict[str, list[dict[str, Any]]]) -> None:
    printed = {page: "".join(result["output"] for result in blocks) for page, blocks in results.items()}
    assert "quarantined: broken_json  1" in printed["guides/corpus"]
    assert "联系电话[手机号]请打，邮箱[邮箱]也行。" in printed["guides/corpus"]
    assert "did adapting pay" in printed["guides/pretrain"]
    assert "in 1,000 draws: {0: 849, 16: 151}" in printed["comparison"]
    assert "runs/flipped/model.safetensors: expected SHA-256" in printed["comparison"]
    assert "macbert ends with 2" in printed["comparison"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_five_minutes_work_at_their_full_length(small_road: Any, tmp_path: Path) -> None:
    (blocks,) = follow([DOCS / "start.md"], small_road, tmp_path, shorten=False).values()
    assert not [block["output"] for block in blocks if block["code"]]
    assert "300 of 300" in "".join(block["output"] for block in blocks)


def all_blocks() -> list[Block]:
    return [block for path in PAGES for block in page_blocks(path)]


def test_blocks_name_a_language_that_is_run_or_shown() -> None:
    odd = [
        f"{block.page}:{block.line} {block.language}"
        for block in all_blocks()
        if block.language not in (*RUNNABLE, *SHOWN)
    ]
    assert not odd


NOT_RUN = {
    "start.md": 1,
    "pretrain.md": 2,
    "ner.md": 2,
    "serving.md": 1,
    "scaling.md": 1,
    "chatie.md": 1,
    "studio.md": 2,
    "transformer.md": 2,
}
"""English blocks that say why they are not run, by page; a further one is a decision."""


def test_blocks_that_no_test_runs_are_counted_and_listed() -> None:
    """`pytest -s` lists them."""
    idle = [block for path in ENGLISH for block in page_blocks(path) if block.reason]
    print(*(f"{block.page}:{block.line}: {block.reason}" for block in idle), sep="\n")
    assert Counter(block.page for block in idle) == NOT_RUN
    assert sum(block.runs for path in ENGLISH for block in page_blocks(path)) > 3 * len(idle)


def test_no_block_hides_from_the_tests_by_being_shown_only() -> None:
    """A shell line that is set off by four blanks, or in a block without a language, is no evidence that it works."""
    hidden = [
        f"{block.page}:{block.line}"
        for block in all_blocks()
        if block.language in ("", "text") and re.search(r"^macbert \w+", block.code, re.MULTILINE)
    ]
    assert not hidden


@pytest.mark.parametrize("path", [path for path in PAGES if path.name.endswith(".zh.md")], ids=name_of)
def test_a_translation_has_the_same_blocks(path: Path) -> None:
    english = page_blocks(path.with_name(path.name.replace(".zh.md", ".md")))
    # Comments are in the reader's language.
    same = [(block.language, re.sub(r" *# .*", "", block.code), block.reason) for block in page_blocks(path)]
    assert same == [(block.language, re.sub(r" *# .*", "", block.code), block.reason) for block in english]


def evidence() -> list[tuple[str, str]]:
    """Return (page, command) of what is set off by four blanks: commands whose tables stand below them."""
    return [
        (name_of(path), line.strip())
        for path in PAGES
        for line in re.findall(
            r"^    ((?:[A-Z_]+=\S+ )?(?:python|bash|pytest|macbert) .*)$", path.read_text("utf-8"), re.MULTILINE
        )
    ]


def test_commands_that_made_the_tables_are_there() -> None:
    """They take hours or data of their own; here it is held that what they name exists."""
    missing = []
    for page, command in evidence():
        named = [word.partition("::")[0] for word in command.split() if word.startswith(("scripts/", "tests/"))]
        if command.startswith("macbert "):
            there = any(tuple(command.split()[1 : 1 + len(path)]) == path for path in COMMANDS)
        else:
            there = bool(named) and all((ROOT / name).exists() for name in named)
        if not there:
            missing.append(f"{page}: {command}")
    assert evidence()
    assert not missing


@pytest.mark.parametrize("block", [block for block in all_blocks() if block.reason], ids=lambda b: f"{b.page}:{b.line}")
def test_what_is_not_run_names_commands_and_flags_that_exist(block: Block) -> None:
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] != ["macbert"]:
            continue
        path = max((path for path in COMMANDS if tuple(words[1 : 1 + len(path)]) == path), key=len)
        module, name = COMMANDS[path].config.split(":")
        rest = [word for word in words[1 + len(path) :] if word != "&"]
        parse_arguments(path, COMMANDS[path], getattr(importlib.import_module(module), name), rest)
