"""A token data set is downloaded where its name asks for that, and nothing is contacted otherwise."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import huggingface_hub
import pytest

from corpus.errors import MissingExtra, UserError
from tokenizer.hub import FILES, token_folder


def test_a_path_is_itself_and_makes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("data/tokens", "/词/tokens", "hf/tokens", "C:tokens"):
        assert token_folder(name) == Path(name)


def test_a_name_of_hugging_face_is_downloaded_with_its_files_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def download(repository: str, **options: Any) -> str:
        asked.append((repository, options))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert token_folder("hf:someone/news-tokens") == tmp_path
    assert asked == [("someone/news-tokens", {"repo_type": "dataset", "allow_patterns": FILES})]


def test_a_name_of_modelscope_is_downloaded_by_its_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library: Any = ModuleType("modelscope")
    asked: list[Any] = []
    library.dataset_snapshot_download = lambda name, **options: asked.append((name, options)) or str(tmp_path)
    monkeypatch.setitem(sys.modules, "modelscope", library)
    assert token_folder("modelscope:someone/news-tokens") == tmp_path
    assert asked == [("someone/news-tokens", {"allow_file_pattern": FILES})]


def test_what_stands_in_the_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(MissingExtra, match=r"pip install 'macbert-zh\[modelscope\]'"):
        token_folder("modelscope:someone/news-tokens")

    def fail(*_: Any, **__: Any) -> str:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UserError, match=r"hf:someone/news: expected a token data set, found no route to host; check"):
        token_folder("hf:someone/news")
