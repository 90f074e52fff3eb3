from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose kernel calls a kernel of another file, which takes a constant from a third."""
    folder = tmp_path / "kernels_of_a_test"
    folder.mkdir()
    for name, text in {
        "__init__": "",
        "constant": "ADDED = 1\n",
        "inner": "def inner(x):\n    return x + ADDED\n",
        "outer": "def outer(x):\n    return inner(x) * 10\n",
    }.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def answer(package: Path, njit: str, **environment: str) -> str:
    decorator = f"{njit}\n@njit({'cache=True' if 'numba' in njit else ''})\n"
    for name, imported in (("inner", "constant import ADDED"), ("outer", "inner import inner")):
        path = package / f"{name}.py"
        text = path.read_text(encoding="utf-8")
        if "njit" not in text:
            path.write_text(f"from {package.name}.{imported}\n{decorator}{text}", encoding="utf-8")
    code = f"from {package.name}.outer import outer; print(outer(1))"
    path = os.pathsep.join((str(ROOT), str(package.parent)))
    run = [sys.executable, "-P", "-c", code]
    done = subprocess.run(run, env={**os.environ, "PYTHONPATH": path, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("njit", "then"), [("from corpus.compiling import njit", "60"), ("from numba import njit", "20")]
)
def test_a_kernel_is_made_anew_when_a_file_that_it_uses_changes(package: Path, njit: str, then: str) -> None:
    assert answer(package, njit) == "20"
    (package / "constant.py").write_text("ADDED = 5\n", encoding="utf-8")
    assert answer(package, njit) == then  # numba's own cache goes on with the old constant


def kept(place: Path) -> set[Path]:
    return set(place.glob("kernels-*"))


def test_kernels_are_kept_beside_the_code_and_old_ones_go(package: Path) -> None:
    answer(package, "from corpus.compiling import njit")
    first = kept(package / "__pycache__")
    assert {path.name.rsplit("-", 1)[0] for path in first} == {"kernels-inner", "kernels-outer"}
    (package / "constant.py").write_text("ADDED = 5\n", encoding="utf-8")
    answer(package, "from corpus.compiling import njit")
    second = kept(package / "__pycache__")
    assert len(second) == 2
    assert not first & second


def test_kernels_are_kept_where_the_user_says_and_those_of_other_versions_stay(package: Path, tmp_path: Path) -> None:
    place = tmp_path / "kept"
    answer(package, "from corpus.compiling import njit", NUMBA_CACHE_DIR=str(place))
    assert not kept(package / "__pycache__")
    first = kept(place)
    (package / "constant.py").write_text("ADDED = 5\n", encoding="utf-8")
    answer(package, "from corpus.compiling import njit", NUMBA_CACHE_DIR=str(place))
    assert first < kept(place)
    assert len(kept(place)) == 4
