"""Tab completes commands, flags and values, in a real bash."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from macbert.cli import main
from macbert.cli.commands import COMMANDS
from macbert.cli.completion import CompletionConfig, completion_script

# Calls the completion of what is typed (its words as arguments, the last one unfinished), as bash does at Tab.
ASK = """
source "$1"; shift
function=$(complete -p macbert | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
$function macbert "${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "macbert"
    path.write_text(completion_script(CompletionConfig(shell="bash")).text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tok", {"tokenizer"}),
        ("tokenizer ", {"train", "similar", "encode", "inspect", "extend", "trim"}),
        ("finetune ", {"classify", "ner", "relation", "event", "mrc", "correct"}),
        ("pretrain --masking.strategy w", {"wwm", "wwm+ngram"}),
        ("pretrain tiny --optim ", {"adamw", "lamb"}),
        ("audit pl", {"plant"}),
        ("corpus score ", {"train"}),
        ("completion ", {"bash", "zsh"}),
    ],
)
def test_bash_offers(script: Path, typed: str, offered: set[str]) -> None:
    words = ["macbert", *typed.split(" ")]
    done = subprocess.run(["bash", "-c", ASK, "bash", str(script), *words], capture_output=True, text=True, timeout=30)
    assert set(done.stdout.split()) == offered, done.stderr


def test_every_flag_is_offered(script: Path) -> None:
    words = ["macbert", "pretrain", "--s"]
    done = subprocess.run(["bash", "-c", ASK, "bash", str(script), *words], capture_output=True, text=True, timeout=30)
    assert {"--save-steps", "--schedule", "--seed", "--similar", "--strict-slots"} <= set(done.stdout.split())


def test_tab_in_an_interactive_bash_finishes_the_words(script: Path, tmp_path: Path) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], {**os.environ, "PS1": "> ", "TERM": "dumb"})
    os.write(terminal, f'source {script}\nmacbert() {{ echo "ran:$*"; }}\n'.encode())
    os.write(terminal, b"macbert tokeni\tenco\t--app\t\n")
    seen = ""
    deadline = time.monotonic() + 30
    while "ran:tokenizer encode --append" not in seen and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    os.write(terminal, b"exit\n")
    os.close(terminal)
    os.waitpid(process, 0)
    assert "ran:tokenizer encode --append" in seen


def test_zsh_gets_a_script_of_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("#compdef macbert")
    assert all(path[-1] in text for path in COMMANDS)
