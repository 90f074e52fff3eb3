"""The notebooks are the guides, cell by cell, and they run."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("page_driver.py")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture(scope="module")
def maker() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "scripts" / "docs"))
    yield importlib.import_module("notebooks")
    sys.path.remove(str(ROOT / "scripts" / "docs"))


def test_the_notebooks_are_what_the_guides_make(maker: ModuleType, tmp_path: Path) -> None:
    """After a change of a guide: python scripts/docs/notebooks.py"""
    made = maker.write_notebooks(tmp_path)
    assert [path.name for path in made] == [path.name for path in NOTEBOOKS]
    different = [path.name for path in made if path.read_bytes() != (ROOT / "notebooks" / path.name).read_bytes()]
    assert not different


def test_links_of_the_notebooks_lead_somewhere() -> None:
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            target = link.partition("#")[0]
            assert re.match(r"[a-z]+:", link) or (path.parent / target).exists(), f"{path.name}: {link}"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "name",
    ["corpus", pytest.param("pretrain", marks=pytest.mark.slow), pytest.param("ner", marks=pytest.mark.slow)],
)
def test_a_notebook_runs_from_its_first_cell_to_its_last(name: str, tmp_path: Path, request: Any) -> None:
    """Trainings are cut to some steps, by a macbert command that stands in front of the real one."""
    command = tmp_path / "bin" / "macbert"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{DRIVER}" macbert "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    notebook["cells"] = [cell for cell in notebook["cells"] if "not-run" not in cell["metadata"].get("tags", [])]
    if name != "corpus":
        driver = importlib.util.spec_from_file_location("page_driver", DRIVER)
        assert driver is not None
        assert driver.loader is not None
        module = importlib.util.module_from_spec(driver)
        driver.loader.exec_module(module)
        road = request.getfixturevalue("small_road")
        module.write_weights(folder / "models" / "chinese-macbert-base", road.tokenizer / "vocab.txt")
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{command.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(path), str(folder)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    run = json.loads(path.read_text("utf-8"))["cells"]
    cells = [cell for cell in run if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    if name == "corpus":
        printed = "".join("".join(output.get("text", "")) for cell in cells for output in cell["outputs"])
        assert "quarantined: broken_json  1" in printed
