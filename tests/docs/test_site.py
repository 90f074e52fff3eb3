"""The site of docs/ builds in both languages without a warning, and holds what it must."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from macbert.cli.commands import COMMANDS
from macbert.config import field_specs
from macbert.config.load import flag

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def builder() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "scripts" / "docs"))
    yield importlib.import_module("build_site")
    sys.path.remove(str(ROOT / "scripts" / "docs"))


@pytest.mark.parametrize("name", ["build_site", "page_blocks"])
def test_examples_of_the_tools(builder: ModuleType, name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.fixture(scope="module")
def site(builder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; building ends with an error where zensical would warn."""
    folder = tmp_path_factory.mktemp("site") / "site"
    builder.build(folder)
    return folder


def text_of(path: Path) -> str:
    """Return what a page shows, without its marks."""
    return unescape(re.sub(r"<[^>]+>", "", path.read_text("utf-8")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_has_its_page_with_every_flag(site: Path, language: str) -> None:
    for path, command in COMMANDS.items():
        module, name = command.config.split(":")
        shown = text_of(site / language / "commands" / f"{'-'.join(path)}.html")
        assert command.summary[1:] in shown
        for spec in field_specs(getattr(importlib.import_module(module), name)):
            title = spec.name.upper() if spec.name == command.positional else flag(spec.name)
            assert re.search(rf"^{re.escape(title)}\b", shown, re.MULTILINE), (path, title)
            assert " ".join(re.sub(r"`", "", spec.doc).split())[-20:] in re.sub(r"`", "", shown), (path, spec.name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_document_is_in_the_table_of_contents(site: Path, language: str) -> None:
    home = (site / language / "index.html").read_text("utf-8")
    pages = [path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")]
    for page in pages:
        if page.suffix != ".zh":
            assert (site / language / f"{page}.html").is_file()
            assert re.search(rf'href="(\./)?{page}\.html"', home) or str(page) == "index", page


def test_every_link_of_the_built_pages_leads_somewhere(site: Path) -> None:
    broken = []
    for page in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"]*)"', page.read_text("utf-8")):
            target = unquote(unescape(link).partition("#")[0])
            # 404.html is served at any depth, so its links begin at the server's top.
            if (
                target
                and not re.match(r"[a-z]+:", target)
                and page.name != "404.html"
                and not (page.parent / target).exists()
            ):
                broken.append(f"{page.relative_to(site)}: {link}")
    assert not broken


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    loaded = re.compile(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="?(?:https?:)?//[^>]*>')
    found = [
        f"{page.name}: {mark}" for page in site.rglob("*.html") for mark in loaded.findall(page.read_text("utf-8"))
    ]
    assert not found


def test_chinese_pages_are_chinese_or_say_that_they_are_not(site: Path) -> None:
    for path in sorted((ROOT / "docs").rglob("*.md")):
        name = path.relative_to(ROOT / "docs").with_suffix("")
        if name.suffix == ".zh":
            continue
        shown = text_of(site / "zh" / f"{name}.html")
        assert ("本页目前只有英文版" in shown) != path.with_suffix(".zh.md").is_file(), name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A\n\n[nothing](nothing.md)\n", "nothing.md leads nowhere"),
        ("# A\n\n[no such place](log.md#no-such-place)\n", "anchor does not exist"),
    ],
)
def test_a_warning_is_an_error(
    builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(text, encoding="utf-8")
    (docs / "log.md").write_text("# Log\n", encoding="utf-8")
    nav: list[dict[str, Any]] = [{"page": "index", "en": "A", "zh": "一"}, {"page": "log", "en": "B", "zh": "二"}]
    monkeypatch.setattr(builder, "read_nav", lambda: nav)
    monkeypatch.setattr(builder, "DOCS", docs)
    monkeypatch.setattr(builder, "ROOT", tmp_path)
    monkeypatch.setattr(builder, "OUTSIDE", {})
    with pytest.raises(builder.BuildError, match=said):
        builder.build(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_page_that_the_table_of_contents_lacks_is_named(builder: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    nav = [entry for entry in builder.read_nav() if entry.get("page") != "index"]
    monkeypatch.setattr(builder, "read_nav", lambda: nav)
    with pytest.raises(builder.BuildError, match="index"):
        builder.site_pages("en")


def test_a_translation_links_to_translations() -> None:
    """But for the switch of languages: on the site, a link to an English page leaves the Chinese tree."""
    leaving = []
    for page in [*(ROOT / "docs").rglob("*.zh.md"), ROOT / "README.zh.md"]:
        for text, target in re.findall(r"\[([^\]]*)\]\(([^)\s#]+)[^)]*\)", page.read_text("utf-8")):
            twin = page.parent / target.replace(".md", ".zh.md")
            if target.endswith(".md") and not target.endswith(".zh.md") and text != "English" and twin.exists():
                leaving.append(f"{page.name}: {target}")
    assert not leaving
