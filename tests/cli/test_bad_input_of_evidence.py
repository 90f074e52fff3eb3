"""Bad input to the commands that look at encoders: audit and its planting, scaling fit, predict and plan."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.usefixtures("one_thread")

Mistake = tuple[str, dict[str, str | None], str]

CASES: list[Mistake] = [
    # A file or folder that is not there, or has nothing in it.
    ("audit", {"--model": "{bad}/none"}, r"/none: expected a model folder"),
    ("audit", {"--model": "{bad}/empty"}, r"/empty: expected a model folder"),
    ("audit", {"--canaries": "{bad}/none"}, r"/none: expected a file"),
    ("audit", {"--canaries": "{bad}/empty.jsonl"}, r"empty\.jsonl: expected at least one secret"),
    ("audit", {"--pii": "{bad}/none"}, r"/none: expected"),
    ("audit", {"--bias": "{bad}/none.yaml"}, r"--bias: expected"),
    ("audit plant", {"--input": "{bad}/none"}, r"/none: expected"),
    ("scaling fit", {"--data": "{bad}/none"}, r"/none|--data: expected"),
    ("scaling fit", {"--data": None, "--runs": "{bad}/empty"}, r"/empty: expected a finished pretraining run"),
    ("scaling predict", {"--fit": "{bad}/none"}, r"/none: expected a folder of macbert scaling fit, found no folder"),
    ("scaling plan", {"--fit": "{bad}/empty"}, r"/empty: expected a folder of macbert scaling fit"),
    # A line or file that is not what it should be, a folder of another kind, a torn file.
    ("audit", {"--canaries": "{bad}/no_secret.jsonl"}, r"no_secret\.jsonl:2: expected a secret"),
    ("audit", {"--canaries": "{bad}/gbk.jsonl"}, r"gbk\.jsonl:1: expected UTF-8, .*iconv -f GB18030"),
    ("audit", {"--bias": "{bad}/tab.yaml"}, r"tab\.yaml: expected YAML"),
    ("audit", {"--model": "{tokens}"}, r"/tokens: expected a model folder"),
    ("audit", {"--model": "{bad}/run"}, r"run/model\.safetensors: expected SHA-256"),
    ("audit", {"--model": "{bad}/torn_run"}, r"torn_run: expected a masked-language model"),
    ("audit", {"--pii": "{raw}", "--model": "{classify}"}, r"/classify: expected a masked-language-model head|--pii"),
    ("scaling fit", {"--data": None, "--runs": "{corpus}"}, r"/corpus: expected a finished pretraining run"),
    ("scaling fit", {"--data": None, "--runs": "{run}"}, r"--runs: expected at least 6 runs"),
    ("scaling predict", {"--fit": "{bad}/torn_fit"}, r"torn_fit: expected a folder of macbert scaling fit"),
    ("scaling predict", {"--run": "{run}", "--prediction": "{bad}/key.yaml"}, r"key\.yaml: expected a prediction"),
    # Settings, and outputs that are somebody's.
    ("audit", {"--candidates": "1"}, r"--candidates: expected 15 to 100000"),
    ("audit plant", {"--counts": "1000"}, r"--input: expected at least 1000 documents"),
    ("scaling fit", {"--sizes": "3x100"}, r"--size: expected a preset"),
    ("scaling predict", {"--size": "huge"}, r"--size: expected a preset"),
    ("scaling predict", {"--prediction": "{bad}/key.yaml"}, r"key\.yaml: expected no file yet"),
    ("scaling predict", {"--tokens": "0"}, r"--tokens: expected"),
    ("scaling plan", {"--hours": "0"}, r"--hours: expected above 0"),
    ("audit", {"--output": "{tokenizer}"}, r"/tokenizer: expected"),
]


def test_a_mistake_is_told_with_its_place_and_its_cure(mistake: Mistake, refused: Callable[..., list[str]]) -> None:
    command, changes, pattern = mistake
    lines = refused(command, changes)
    assert re.search(pattern, "\n".join(lines)), lines
