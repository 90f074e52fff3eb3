"""The documents are true where a machine can tell: dependencies, links, the same commands in both languages."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("corpus", "tokenizer", "macbert")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements() -> dict[str, dict[str, str]]:
    """Return {extra or "": {package: range}} as setup.py has it."""
    tree = ast.parse((ROOT / "setup.py").read_text("utf-8"))
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXTRAS":
            found.update(ast.literal_eval(node.value))
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            found[""] = ast.literal_eval(node.value)
    return {extra: dict(re.match(r"([\w-]+)(.*)", line).groups() for line in lines) for extra, lines in found.items()}


def documented() -> dict[str, dict[str, str]]:
    """Return the same from the tables of docs/dependencies.md."""
    found: dict[str, dict[str, str]] = {}
    extra: str | None = None
    for line in (ROOT / "docs" / "dependencies.md").read_text("utf-8").splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
            extra = {"Always installed": "", "Extras": None}.get(title, title if line.startswith("### ") else None)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if extra is not None and line.startswith("| ") and cells[0] != "package":
            assert cells[2], f"{cells[0]}: no reason"
            found.setdefault(extra, {})[cells[0]] = cells[1]
    return found


def test_every_dependency_has_its_reason_and_its_range() -> None:
    assert documented() == requirements()


def test_every_package_that_is_imported_is_declared() -> None:
    """A package that only another package brings may be gone with its next version."""
    distributions = metadata.packages_distributions()
    declared = {normal(name) for names in requirements().values() for name in names}
    missing = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - set(FLOORS):
                if not {normal(distribution) for distribution in distributions.get(name, [name])} & declared:
                    missing.add(f"{path.relative_to(ROOT)}: {name}")
    assert not missing


def test_every_extra_that_an_error_names_can_be_installed() -> None:
    named = {
        str(node.args[1].value)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "MissingExtra"
        and isinstance(node.args[1], ast.Constant)
    }
    assert named
    assert named <= set(requirements())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_inside_the_project_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    broken = [
        link
        for link in links
        if not re.match(r"[a-z]+:|#", link) and not (path.parent / link.partition("#")[0]).exists()
    ]
    assert not broken


def commands(path: Path) -> list[str]:
    """Return the command lines of a document's bash blocks without comments, continued lines joined."""
    blocks = re.findall(r"^```bash\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [" ".join(line.partition(" #")[0].split()) for line in lines if line.strip() and not line.startswith("#")]


def test_both_languages_teach_the_same_commands() -> None:
    assert commands(ROOT / "README.md") == commands(ROOT / "README.zh.md")
    assert commands(ROOT / "README.md")


def test_the_filter_of_contributing_works_as_a_step_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from corpus import CorpusConfig, build_corpus

    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (block,) = re.findall(r"^ *```python\n(.*?def digits.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "own_filter.py").write_text(textwrap.dedent(block), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    own_filter = importlib.import_module("own_filter")
    assert doctest.testmod(own_filter) == doctest.TestResults(failed=0, attempted=1)

    (tmp_path / "raw.txt").write_text("021-5555 1234\n\n我们在上海图书馆看书。\n", encoding="utf-8")
    report = build_corpus(
        CorpusConfig(input=[str(tmp_path / "raw.txt")], output=str(tmp_path / "out"), steps=["own_filter:digits"])
    )
    assert (report.read, report.kept, report.dropped) == (2, 1, {"digits": 1})


def rows_of(document: str, mark: str) -> list[str]:
    """Return the rows under the header of the table between two marks."""
    text = (ROOT / document).read_text("utf-8")
    table = text.split(f"<!-- {mark} -->")[1].split("<!-- /results -->")[0]
    return [line for line in table.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("document", ["README.md", "README.zh.md"])
def test_the_results_of_the_readme_are_those_of_the_results_page(document: str) -> None:
    rows = rows_of("docs/results.md", "results: demo")
    assert rows
    assert rows_of(document, "results: filled from docs/results.md") == rows
