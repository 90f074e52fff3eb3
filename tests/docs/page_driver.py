"""Runs the blocks of pages as a reader would, one after the other, all pages in one process: importing torch for each
command would take minutes. A block of `macbert` lines alone is run here, other shell blocks by bash.

    python page_driver.py JOB.json       {"shorten": ..., "vocab": FILE, "pages": [{"page", "folder", "blocks": [...]}]}
    python page_driver.py macbert ...    one command, shortened: what a notebook's cells call

Commands are as written, but for their length where they are shortened.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

LIMITS = {
    "pretrain": {"--max-steps": "6", "--eval-rows": "8"},
    "finetune": {"--max-steps": "2", "--eval-strategy": "steps", "--eval-steps": "2", "--seeds": "1"},
    "adapt-report": {"--seeds": "1", "--eval-rows": "8"},
    "audit": {"--candidates": "15", "--draws": "1", "--bias": "none"},
}
"""What a shortened command gets in place of larger numbers; a smaller one stays."""

DOWNLOAD = "hf download hfl/chinese-macbert-base --local-dir models/chinese-macbert-base"
SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}


def shortened(arguments: list[str]) -> list[str]:
    """Return a command's words with the limits of its kind.

    >>> shortened(["pretrain", "tiny", "--max-steps", "2000"])
    ['pretrain', 'tiny', '--max-steps', '6', '--eval-rows', '8']
    >>> shortened(["pretrain", "tiny", "--max-steps", "3"])
    ['pretrain', 'tiny', '--max-steps', '3', '--eval-rows', '8']
    """
    words = list(arguments)
    if words[:2] == ["audit", "plant"]:
        return words
    for flag, limit in LIMITS.get(words[0], {}).items():
        if flag not in words:
            words += [flag, limit]
            continue
        place = words.index(flag) + 1
        if limit.isdigit() and int(words[place]) > int(limit):
            words[place] = limit
    return words


def commands(code: str) -> list[list[str]] | None:
    """Return the words of each command of a block of `macbert` lines, or None if bash must run it."""
    lines = [line.strip() for line in code.replace("\\\n", " ").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not all(line.startswith("macbert ") for line in lines) or any(mark in code for mark in ("|", "&", ">", "$")):
        return None
    return [shlex.split(line)[1:] for line in lines]


def write_weights(folder: Path, vocab: Path) -> None:
    """Write weights with the names of hfl/chinese-macbert-base and a small shape."""
    from transformers import BertConfig, BertForPreTraining

    entries = vocab.read_text(encoding="utf-8").rstrip("\n").split("\n")
    BertForPreTraining(BertConfig(vocab_size=len(entries), **SMALL)).save_pretrained(folder)
    shutil.copy(vocab, folder / "vocab.txt")


def run_block(block: dict[str, Any], job: dict[str, Any], environment: dict[str, str]) -> tuple[int, str]:
    """Run one block in the working folder; return its exit code and what it printed."""
    if block["reason"]:
        if DOWNLOAD in block["code"]:
            write_weights(Path("models/chinese-macbert-base"), Path(job["vocab"]))
        return 0, ""
    words = commands(block["code"]) if block["language"] == "bash" else []
    if words is None:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block["code"]], env=environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr
    from macbert.cli import main

    out, code = io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            if block["language"] == "python":
                exec(compile(block["code"], f"{block['page']}:{block['line']}", "exec"), {"__name__": "__main__"})
            for command in words:
                print("$ macbert", *command)
                code = code or main(shortened(command) if job["shorten"] else command)
        except BaseException:
            traceback.print_exc(file=out)
            code = 1
    return code, out.getvalue()


def run_pages(job: dict[str, Any]) -> None:
    """Run every page in its folder, and print a JSON line for each block that was reached."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for page in job["pages"]:
        os.chdir(page["folder"])
        for block in page["blocks"]:
            code, output = run_block(block, job, environment)
            print(json.dumps({"page": page["page"], "line": block["line"], "code": code, "output": output}), flush=True)
            if code:
                break


if __name__ == "__main__":
    if sys.argv[1] == "macbert":
        from macbert.cli import main

        sys.exit(main(shortened(sys.argv[2:])))
    run_pages(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
