"""Wheel and sdist build from the checkout, hold what they must, and work where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("corpus", "tokenizer", "macbert")
NOT_SOURCE = (
    ".git",
    ".venv",
    ".venv-lowest",
    "build",
    "dist",
    "demo",
    "data",
    "runs",
    "site",
    "__pycache__",
    "*.egg-info",
    ".*_cache",
    "*.tmp",
)


@dataclass(frozen=True)
class Distributions:
    checkout: Path
    """The copy of the sources that they were built from."""
    wheel: Path
    sdist: Path

    def sources(self, folder: str) -> set[str]:
        found = (self.checkout / folder).rglob("*")
        return {path.relative_to(self.checkout).as_posix() for path in found if path.is_file()}

    def wheel_names(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def sdist_names(self) -> set[str]:
        with tarfile.open(self.sdist) as archive:
            return {name.partition("/")[2] for name in archive.getnames()}


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    checkout = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.name in NOT_SOURCE or path.name.endswith((".egg-info", "_cache")):
            continue
        if path.is_dir():
            shutil.copytree(path, checkout / path.name, ignore=shutil.ignore_patterns("__pycache__", "*.tmp"))
        else:
            shutil.copy(path, checkout)
    # The wheel is built from the sdist, so that both are proved. No isolation: the dev extra holds the build backend,
    # and nothing is fetched.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", cwd=checkout)
    (wheel,) = (checkout / "dist").glob("*.whl")
    (sdist,) = (checkout / "dist").glob("*.tar.gz")
    return Distributions(checkout, wheel, sdist)


@pytest.fixture(scope="module")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that has the wheel itself, and the dependencies of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("fresh environment")
    venv.create(folder, with_pip=False, symlinks=True)
    command = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet"]
    run(*command, "--no-deps", "--no-index", distributions.wheel, cwd=folder)
    (purelib,) = folder.glob("lib/python*/site-packages")
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("floor", FLOORS)
def test_the_wheel_holds_every_file_of_the_packages(distributions: Distributions, floor: str) -> None:
    missing = distributions.sources(floor) - distributions.wheel_names()
    assert not missing
    assert f"{floor}/py.typed" in distributions.wheel_names()


def test_the_wheel_holds_the_recipes_inside_the_package(distributions: Distributions) -> None:
    recipes = distributions.sources("recipes")
    assert recipes
    assert {f"macbert/{name}" for name in recipes} <= distributions.wheel_names()


def test_the_wheel_holds_nothing_beside_the_packages(distributions: Distributions) -> None:
    tops = {name.partition("/")[0] for name in distributions.wheel_names()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(FLOORS)


def test_the_sdist_holds_what_builds_tests_and_explains(distributions: Distributions) -> None:
    needed = {"LICENSE", "README.md", "README.zh.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml", "setup.py"}
    for folder in ("recipes", "scripts", "tests"):
        needed |= distributions.sources(folder)
    assert needed <= distributions.sdist_names()


def test_the_metadata_pass_the_index_check(distributions: Distributions) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", distributions.wheel, distributions.sdist, cwd=ROOT)


def test_the_metadata_name_licence_python_and_extras(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
    assert metadata["Name"] == "macbert-zh"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"demo", "dev", "test"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_command_of_an_installed_wheel_works_in_any_folder(installed: Path, tmp_path: Path) -> None:
    assert "macbert tokenizer encode" in run(installed / "bin" / "macbert", "--help", cwd=tmp_path)
    code = "import macbert; print(macbert.__file__)"
    assert Path(run(installed / "bin" / "python", "-c", code, cwd=tmp_path).strip()).is_relative_to(installed)


def test_an_installed_wheel_finds_every_recipe_by_its_name(
    distributions: Distributions, installed: Path, tmp_path: Path
) -> None:
    recipes = [name for name in distributions.sources("recipes") if name.endswith(".yaml")]
    assert recipes
    for recipe in recipes:
        _, kind, name = Path(recipe).parts
        code = f"from macbert.config import find_recipe; print(find_recipe({Path(name).stem!r}, {kind!r}))"
        found = Path(run(installed / "bin" / "python", "-c", code, cwd=tmp_path).strip())
        assert found.is_relative_to(installed)
        assert found.read_bytes() == (distributions.checkout / recipe).read_bytes()
