"""What a studio refuses, to programs that send what no page would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import UserError
from macbert.studio.config import StudioConfig
from macbert.studio.desk import Desk
from macbert.studio.tabs.corpus_folder import read_rejects
from macbert.studio.tabs.extract import ask

OUTSIDE = ["../studio-secret", "/etc", "work/corpus/../..", "work/out", "..", "", "work/corpus\0", "work"]
"""Names of folders that exist, or might, and may not be opened."""


@pytest.fixture(scope="module")
def desk(folders: Any) -> Desk:
    return Desk(StudioConfig(root=str(folders.root), chatie="oracle", max_characters=100))


@pytest.mark.parametrize("name", [*OUTSIDE, None, 7, ["work/corpus"]], ids=repr)
def test_only_the_folders_of_the_list_are_opened(desk: Desk, name: Any) -> None:
    for kind in ("corpus", "words", "run", "encoder", "model", "correcting"):
        with pytest.raises(UserError, match="expected one of"):
            desk.places.find(kind, name)


def test_a_folder_is_opened_for_what_it_is_only(desk: Desk, folders: Any) -> None:
    assert desk.places.find("corpus", "work/corpus").path == folders.corpus
    assert desk.places.of("run") == ["work/run"]
    assert set(desk.places.of("encoder")) == {"work/encoder"}
    assert desk.places.of("words")[0] == "work/tokenizer"
    assert desk.places.of("model", ("ner",)) == ["work/ner"]
    with pytest.raises(UserError):
        desk.places.find("corpus", "work/run")


def test_without_a_root_only_what_was_named_is_there(folders: Any) -> None:
    places = Desk(StudioConfig(corpus=[str(folders.corpus)])).places
    assert list(places.all()) == [str(folders.corpus)]
    with pytest.raises(UserError):
        places.find("run", str(folders.run))


@pytest.mark.parametrize("reason", ["..", "../../../studio-secret", "/etc", "", ".", None, 3], ids=repr)
def test_only_the_reasons_of_the_corpus_are_read(folders: Any, reason: Any) -> None:
    with pytest.raises(UserError, match="a reason of this corpus"):
        read_rejects(folders.corpus, reason)


def test_a_link_among_the_rejected_leads_nowhere(folders: Any, tmp_path: Path) -> None:
    secret = folders.root.parent / "studio-secret"
    own = tmp_path / "rejected" / "own"
    own.mkdir(parents=True)
    (own / "link.jsonl").symlink_to(secret / "a.jsonl")
    (tmp_path / "rejected" / "away").symlink_to(secret)
    assert read_rejects(tmp_path, "own").records == []
    with pytest.raises(UserError):
        read_rejects(tmp_path, "away")


@pytest.mark.parametrize("schema", ["/etc/passwd", "schema.json", "", "人物", None, '"/etc/passwd"'], ids=repr)
def test_labels_are_never_the_name_of_a_file(desk: Desk, schema: Any) -> None:
    with pytest.raises(UserError, match="labels: expected"):
        ask(desk, "王芳在北京。", "ner", schema)


@pytest.mark.parametrize("text", ["", " \n", None, 7, "王" * 101, "\ud800"], ids=lambda value: repr(value)[:12])
def test_texts_of_another_size_or_kind_are_refused(desk: Desk, text: Any) -> None:
    with pytest.raises(UserError, match="text: expected"):
        desk.checked(text)


def test_the_server_opens_nothing_that_is_not_on_its_list(studio: Any) -> None:
    for name in OUTSIDE:
        event = studio.call("Open", name)
        assert "不可告人" not in json.dumps(event, ensure_ascii=False)
        assert event["success"] is False, event
    assert studio.call("Open", "work/corpus")["success"] is True


@pytest.mark.parametrize(
    "path",
    [
        "/en/gradio_api/file=/etc/passwd",
        "/en/gradio_api/file/etc/passwd",
        "/en/file=/etc/passwd",
        "/en/gradio_api/proxy=https://example.org/",
        "/en/gradio_api/info",
        "/en/gradio_api/openapi.json",
        "/en/assets/../../../../etc/passwd",
        "/en/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/en/assets/..%2f..%2f..%2fetc/passwd",
        "/en/assets//etc/passwd",
        "/en/static/....//....//etc/passwd",
        "/en/monitoring",
        "/docs",
        "/openapi.json",
        "/etc/passwd",
        "//etc/passwd",
    ],
)
def test_no_path_leads_to_a_file_or_to_what_a_page_does_not_need(studio: Any, path: str) -> None:
    status, body, _ = studio.ask("GET", path)
    assert status in (403, 404), (status, body[:200])
    assert b"root:" not in body


@pytest.mark.parametrize("path", ["upload", "run/predict", "api/predict", "call/predict", "vibe-edit", "stream/a"])
def test_nothing_is_uploaded_or_called_past_the_queue(studio: Any, path: str) -> None:
    assert studio.ask("POST", f"/en/gradio_api/{path}", b"{}")[0] == 404


def test_a_huge_body_is_refused_before_it_is_read(studio: Any) -> None:
    assert studio.ask("POST", "/en/gradio_api/queue/join", b" " * 50_001)[0] == 413


def test_a_text_that_is_too_long_is_refused_by_the_server_too(studio: Any) -> None:
    event = studio.call("Extract", "王" * 2001, "work/ner")
    told = json.dumps(event["output"], ensure_ascii=False)
    assert "at most 2,000 characters" in told or event["success"] is False, event


def test_pages_of_others_are_refused(studio: Any) -> None:
    join = ("POST", "/en/gradio_api/queue/join", b"{}")
    for origin in ("https://evil.example", "null", f"http://localhost.evil.example:{studio.port}"):
        assert studio.ask(*join, Origin=origin)[0] == 403
        assert studio.ask("GET", "/en/", Origin=origin)[0] == 403
    assert studio.ask("GET", "/en/", Host="evil.example")[0] == 421
    status, _, headers = studio.ask("GET", "/en/", Origin=studio.address)
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
