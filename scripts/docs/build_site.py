"""Build the site of docs/, with warnings as errors: python scripts/docs/build_site.py [--output DIR]

The pages of docs/ are the only source. Each language gets a tree of its own: a page without a translation stands in the
Chinese tree too, under a line that says so. Links between languages, and to files outside docs/, are turned; the pages
of the commands are made from the commands' settings. Then zensical builds each tree, with --strict.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from command_pages import all_pages, page_name

from macbert.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LANGUAGES = {"en": "English", "zh": "中文"}
OTHER = {"en": "zh", "zh": "en"}
OUTSIDE = {"contributing": ROOT / "CONTRIBUTING.md", "changes": ROOT / "CHANGELOG.md"}
"""Pages of the site that lie outside docs/."""
HOME = {ROOT / "README.md": "en", ROOT / "README.zh.md": "zh"}
"""What a link to a README leads to: the first page of that language."""
ENGLISH_ONLY = '!!! note "本页目前只有英文版"\n\n'

_LINK = re.compile(r"(\]\()([^)\s]+)(\))")


class BuildError(Exception):
    """The site cannot be built as it stands."""


@dataclass(frozen=True)
class Page:
    """A page of one language's tree."""

    name: str
    """Without its ending, from the tree's top: ``guides/corpus``."""

    language: str
    source: Path

    @property
    def translated(self) -> bool:
        """Whether the source is in the tree's language."""
        return self.language == "en" or self.source.name.endswith(".zh.md")


def read_nav() -> list[dict[str, Any]]:
    """Return the table of contents as nav.yaml has it."""
    return list(yaml.safe_load((Path(__file__).parent / "nav.yaml").read_text(encoding="utf-8")))


def nav_names(nav: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the names of the pages in a table of contents."""
    for entry in nav:
        if "page" in entry:
            yield entry["page"]
        yield from nav_names(entry.get("pages", []))


def site_pages(language: str) -> dict[str, Page]:
    """Return the pages of a language's tree by name.

    Raises:
        BuildError: a page is in docs/ and not in nav.yaml, or the other way round.
    """
    found = {}
    for path in sorted(DOCS.rglob("*.md")):
        if not path.name.endswith(".zh.md"):
            found[path.relative_to(DOCS).with_suffix("").as_posix()] = path
    found.update(OUTSIDE)
    names = list(nav_names(read_nav()))
    if set(names) != set(found) or len(names) != len(set(names)):
        raise BuildError(f"nav.yaml and docs/ differ: {sorted(set(names) ^ set(found)) or 'a page stands twice'}")
    pages = {}
    for name, path in found.items():
        translation = path.with_suffix(".zh.md")
        source = translation if language == "zh" and translation.is_file() else path
        pages[name] = Page(name, language, source)
    return pages


def turn_links(page: Page, text: str, pages: dict[str, Page], copies: dict[str, Path]) -> str:
    """Return a page's text with its links as the tree needs them; files outside docs/ are added to ``copies``.

    Raises:
        BuildError: a link leads to nothing.
    """
    up = "../" * page.name.count("/")
    by_source = {path: name for name, path in _sources(pages).items()}

    def turned(match: re.Match[str]) -> str:
        target, mark, anchor = match[2].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        path = (page.source.parent / target).resolve()
        if not path.exists():
            raise BuildError(f"{page.source.relative_to(ROOT)}: {target} leads nowhere")
        language = HOME.get(path)
        name = "index" if language else by_source.get(path)
        if name is None and path.name.endswith(".zh.md"):
            name = by_source.get(path.with_name(path.name.removesuffix(".zh.md") + ".md"))
        if name is None:
            if path.is_relative_to(DOCS):
                return match[0]  # a picture
            copy = f"files/{path.relative_to(ROOT).as_posix()}.txt"
            copies[copy] = path
            return f"{match[1]}{up}{copy}{match[3]}"
        language = language or ("zh" if path.name.endswith(".zh.md") else "en")
        # A link to an English page from a Chinese one that has a Chinese twin is a switch of languages.
        elsewhere = language != page.language and page.translated and pages[name].translated
        turned_to = f"{up}../{OTHER[page.language]}/{name}.html" if elsewhere else f"{up}{name}.md"
        return f"{match[1]}{turned_to}{mark}{anchor}{match[3]}"

    return _LINK.sub(turned, text)


def join_lines(text: str) -> str:
    """Return Chinese text without the line breaks between Chinese signs, which a browser would show as spaces.

    >>> join_lines("分词器\\n切出。\\n\\n- 一")
    '分词器切出。\\n\\n- 一'
    """
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    wide = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”]"
    joined = (
        re.sub(rf"(?<={wide})\n *(?={wide})", "", part) if number % 2 == 0 else part
        for number, part in enumerate(parts)
    )
    return "".join(joined)


def _sources(pages: dict[str, Page]) -> dict[str, Path]:
    """Return the English source of each page."""
    return {name: OUTSIDE.get(name, DOCS / f"{name}.md") for name in pages}


def stage(language: str, folder: Path) -> None:
    """Write a language's tree of pages, and zensical's configuration beside it.

    Raises:
        BuildError: a link leads to nothing, or nav.yaml and docs/ differ.
    """
    docs = folder / "docs"
    pages = site_pages(language)
    copies: dict[str, Path] = {
        path.relative_to(DOCS).as_posix(): path for path in DOCS.rglob("*") if path.suffix in (".svg", ".png")
    }
    for name, page in pages.items():
        text = turn_links(page, page.source.read_text(encoding="utf-8"), pages, copies)
        if page.source.name.endswith(".zh.md"):
            text = join_lines(text)
        _write(docs / f"{name}.md", text if page.translated else ENGLISH_ONLY + text)
    made = dict(all_pages(language))
    for name, text in made.items():
        _write(docs / f"{name}.md", text)
    for name, path in copies.items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, docs / name)
    config = site_config(language, list(made))
    _write(folder / "mkdocs.yml", yaml.safe_dump(config, allow_unicode=True, sort_keys=False))


def site_config(language: str, command_names: list[str]) -> dict[str, Any]:
    """Return zensical's configuration of a language's tree."""

    def entry(item: dict[str, Any]) -> dict[str, Any]:
        if "page" in item:
            return {item[language]: f"{item['page']}.md"}
        if item.get("commands"):
            return {item[language]: [_command_entry(name) for name in command_names]}
        return {item[language]: [entry(inner) for inner in item["pages"]]}

    return {
        "site_name": "macbert-zh",
        "use_directory_urls": False,
        "nav": [entry(item) for item in read_nav()],
        # No font and no script of another host: the pages work without a network.
        "theme": {
            "name": "material",
            "font": False,
            "language": language,
            "features": ["navigation.indexes", "toc.follow"],
        },
        "plugins": ["search"],
        "extra": {
            "generator": False,
            "alternate": [
                {"name": name, "link": f"../{code}/index.html", "lang": code} for code, name in LANGUAGES.items()
            ],
        },
        "markdown_extensions": [
            "admonition",
            "attr_list",
            "tables",
            {"toc": {"permalink": True}},
            "pymdownx.highlight",
            "pymdownx.superfences",
        ],
    }


def _command_entry(name: str) -> Any:
    titles = {page_name(path): f"macbert {' '.join(path)}" for path in COMMANDS}
    return {titles[name]: f"{name}.md"} if name in titles else f"{name}.md"


def build(output: Path) -> None:
    """Write the site: ``en/``, ``zh/`` and an ``index.html`` that chooses by the browser's language.

    Raises:
        BuildError: whatever zensical would warn of.
    """
    with tempfile.TemporaryDirectory() as work:
        for language in LANGUAGES:
            folder = Path(work, language)
            stage(language, folder)
            command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
            done = subprocess.run(
                [*command, "--config-file", str(folder / "mkdocs.yml")], cwd=folder, capture_output=True, text=True
            )
            if done.returncode:
                warnings = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr).partition("Traceback")[0]
                raise BuildError(f"the {LANGUAGES[language]} pages: {warnings.strip()}")
        if output.exists():
            shutil.rmtree(output)
        output.mkdir(parents=True)
        for language in LANGUAGES:
            shutil.move(Path(work, language, "site"), output / language)
    _write(output / "index.html", CHOICE)


CHOICE = """<!doctype html>
<meta charset="utf-8">
<title>macbert-zh</title>
<script>location.replace((navigator.language.startsWith("zh") ? "zh" : "en") + "/index.html")</script>
<p><a href="en/index.html">English</a> · <a href="zh/index.html">中文</a></p>
"""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "site", help="folder that is replaced (default: site)")
    output = parser.parse_args().output.resolve()
    if output.exists() and not (output / "en").is_dir() and any(output.iterdir()):
        print(
            f"{output}: expected an older build or nothing, found other files; choose another --output", file=sys.stderr
        )
        return 2
    try:
        build(output)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{output}/index.html\nwith search: {sys.executable} -m http.server --directory {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
