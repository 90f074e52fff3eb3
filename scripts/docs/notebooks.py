"""Make the notebooks of the guides, which are their only source: python scripts/docs/notebooks.py [--output notebooks]

Text becomes text cells, Python blocks become code cells, shell blocks cells of ``%%bash``. A block that says why no
test runs it keeps a tag, ``not-run``, and its reason.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from page_blocks import RUNNABLE, text_blocks

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "guides"
NOTEBOOKS = ROOT / "notebooks"

SETUP = """\
# So that the shell cells find the macbert command of this notebook's environment.
import os
import shutil
import sys

if shutil.which("macbert") is None:
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])"""

_REASON = re.compile(r"<!-- not run: [^\n]+ -->\n")
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def pages() -> list[Path]:
    """Return the guides, translations included."""
    return sorted(GUIDES.glob("*.md"))


def notebook_of(page: Path) -> nbformat.NotebookNode:
    """Return a guide as a notebook without outputs."""
    cells = [*_cells(page)]
    cells.insert(1, new_code_cell(SETUP))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _cells(page: Path) -> Iterator[nbformat.NotebookNode]:
    text = page.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    done = 0
    for block in text_blocks(text):
        if block.language not in RUNNABLE:
            continue
        yield from _text_cell(page, "".join(lines[done : block.line - 1]))
        code = block.code.rstrip("\n")
        cell = new_code_cell(f"%%bash\n{code}" if block.language == "bash" else code)
        if block.reason:
            cell["metadata"] = {"tags": ["not-run"], "not_run": block.reason}
        yield cell
        done = block.line + block.code.count("\n") + 1
    yield from _text_cell(page, "".join(lines[done:]))


def _text_cell(page: Path, text: str) -> Iterator[nbformat.NotebookNode]:
    def turned(match: re.Match[str]) -> str:
        target, mark, anchor = match[2].partition("#")
        path = (page.parent / target).resolve()
        if path.parent == GUIDES and path.suffix == ".md":
            link = f"{path.stem}.ipynb"
        else:
            link = os.path.relpath(path, NOTEBOOKS)
        return match[0] if re.match(r"[a-z]+:|$", target) else f"{match[1]}{link}{mark}{anchor}{match[3]}"

    text = _LINK.sub(turned, _REASON.sub("", text)).strip()
    if text:
        yield new_markdown_cell(text)


def write_notebooks(folder: Path) -> list[Path]:
    """Write every notebook and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for page in pages():
        path = folder / f"{page.stem}.ipynb"
        path.write_text(nbformat.writes(notebook_of(page)) + "\n", encoding="utf-8")
        written.append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--output", type=Path, default=NOTEBOOKS)
    print(*write_notebooks(parser.parse_args().output), sep="\n")


if __name__ == "__main__":
    main()
