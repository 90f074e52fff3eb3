"""The picture of masking is what the masking code makes of the sentence today."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_picture_is_drawn_anew_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts" / "docs"))
    figure = importlib.import_module("masking_figure")
    figure.write_tokenizer(tmp_path)
    assert figure.draw(tmp_path) == figure.OUTPUT.read_text(encoding="utf-8")
    outcomes = {word.outcome for word in figure.masked_words("mac", tmp_path)}
    assert {"similar", "random", "kept"} <= outcomes
