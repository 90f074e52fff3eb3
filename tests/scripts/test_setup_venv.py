"""scripts/setup-venv.sh on a stand-in project of a few small wheels: no network, no real torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "setup-venv.sh"

# An editable build without setuptools: one wheel that holds metadata alone.
BACKEND = """
import zipfile

METADATA = '''Metadata-Version: 2.1
Name: macbert-zh
Version: 0.1.0
Provides-Extra: demo
Provides-Extra: test
Requires-Dist: torch<3,>=2.10
Requires-Dist: shown; extra == "demo"
Requires-Dist: tried; extra == "test"
'''

WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/macbert_zh-0.1.0-py3-none-any.whl", "w") as archive:
        for name, text in [("METADATA", METADATA), ("WHEEL", WHEEL), ("RECORD", "")]:
            archive.writestr("macbert_zh-0.1.0.dist-info/" + name, text)
    return "macbert_zh-0.1.0-py3-none-any.whl"

build_editable = build_wheel
"""


def add_wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        more = f"Requires-Dist: {requires}\n" if requires else ""
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@dataclass
class Checkout:
    root: Path
    """A folder with a space in its name, holding setup.py, scripts/ and the stand-in backend."""
    wheels: Path

    def set_up(
        self, *extras: str, path: Path | None = None, wheels: Path | None = None, code: int = 0, **environment: str
    ) -> str:
        """Run `set_up_venv EXTRAS` from another folder as on a machine without a GPU, and return what it said."""
        search = os.environ["PATH"] if path is None else os.pathsep.join([str(path), os.environ["PATH"]])
        command = f'source "{self.root}/scripts/setup-venv.sh"; has_gpu() {{ false; }}; set_up_venv {" ".join(extras)}'
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_") and name != "PYTHON"}
        pip = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels or self.wheels), "PIP_CONFIG_FILE": os.devnull}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.root.parent,
            env={**kept, **pip, "PATH": search, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def installed(self) -> set[str]:
        return {
            path.name.partition(".dist-info")[0] for path in self.root.glob(".venv/lib/*/site-packages/*.dist-info")
        }

    def uninstall(self, name: str) -> None:
        for path in self.root.glob(f".venv/lib/*/site-packages/{name}-*.dist-info"):
            shutil.rmtree(path)


def new_checkout(folder: Path, wheels: Path) -> Checkout:
    root = folder / "a checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(SCRIPT, root / "scripts")
    (root / "setup.py").write_text('    install_requires = [\n        "torch>=2.10,<3",\n    ]\n')
    (root / "backend.py").write_text(BACKEND)
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (root / "pyproject.toml").write_text(system)
    return Checkout(root, wheels)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("2.9.0+cpu", "2.11.0+cpu", "2.12.0", "3.0.0+cpu"):
        add_wheel(folder, "torch", version, requires="packaging")
    for name in ("shown", "tried", "packaging"):
        add_wheel(folder, name, "1.0")
    return folder


@pytest.fixture(scope="module")
def first(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, str]:
    checkout = new_checkout(tmp_path_factory.mktemp("first"), wheels)
    return checkout, checkout.set_up("demo")


@pytest.fixture
def checkout(first: tuple[Checkout, str]) -> Checkout:
    """A checkout that is set up; a test may break its .venv, since set_up mends it."""
    checkout, _ = first
    checkout.set_up("demo")
    return checkout


def script(folder: Path, *names: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


def test_without_a_gpu_the_newest_cpu_build_in_range_goes_before_a_newer_default_build(
    first: tuple[Checkout, str],
) -> None:
    checkout, said = first
    assert "no GPU: installing torch 2.11.0+cpu" in said
    assert {"torch-2.11.0+cpu", "shown-1.0", "macbert_zh-0.1.0"} <= checkout.installed()


def test_a_second_run_installs_nothing_and_says_nothing(checkout: Checkout) -> None:
    before = {path: path.stat().st_mtime_ns for path in (checkout.root / ".venv").rglob("*")}
    assert checkout.set_up("demo") == ""
    assert {path: path.stat().st_mtime_ns for path in (checkout.root / ".venv").rglob("*")} == before


def test_a_further_extra_is_added_and_the_first_stays_satisfied(checkout: Checkout) -> None:
    checkout.set_up("demo", "test")
    assert "tried-1.0" in checkout.installed()
    assert checkout.set_up("demo") == ""
    assert checkout.set_up("test") == ""


def test_a_changed_setup_py_installs_again(checkout: Checkout) -> None:
    with (checkout.root / "setup.py").open("a") as stream:
        stream.write("# a further dependency\n")
    assert "installing into" in checkout.set_up("demo")
    assert checkout.set_up("demo") == ""


def break_package(checkout: Checkout) -> None:
    checkout.uninstall("shown")


def break_stamp(checkout: Checkout) -> None:
    # What an interrupted first run leaves: packages, and no stamp.
    (checkout.root / ".venv" / "setup-stamp.json").unlink()
    checkout.uninstall("shown")


def break_python(checkout: Checkout) -> None:
    for path in (checkout.root / ".venv" / "bin").glob("python*"):
        path.unlink()


@pytest.mark.parametrize("damage", [break_package, break_stamp, break_python])
def test_a_broken_environment_is_mended(checkout: Checkout, damage: Callable[[Checkout], None]) -> None:
    damage(checkout)
    assert "installing into" in checkout.set_up("demo")
    assert {"torch-2.11.0+cpu", "shown-1.0"} <= checkout.installed()
    assert checkout.set_up("demo") == ""


def test_where_pip_finds_no_cpu_build_the_default_is_taken_and_the_cpu_index_named(
    checkout: Checkout, wheels: Path, tmp_path: Path
) -> None:
    others = shutil.copytree(wheels, tmp_path / "wheels", ignore=shutil.ignore_patterns("torch-*+cpu*"))
    checkout.uninstall("torch")
    (checkout.root / ".venv" / "setup-stamp.json").unlink()
    said = checkout.set_up("demo", wheels=others)
    assert "https://download.pytorch.org/whl/cpu" in said
    assert "torch-2.12.0" in checkout.installed()
    checkout.uninstall("torch")
    (checkout.root / ".venv" / "setup-stamp.json").unlink()


def test_an_old_python_is_named_with_what_to_do(tmp_path: Path, wheels: Path) -> None:
    names = ("python3", "python3.13", "python3.12", "python3.11")
    old = script(tmp_path / "bin", *names, text='[ "$1" = --version ] && echo Python 3.8.10 && exit; exit 1')
    said = new_checkout(tmp_path, wheels).set_up("demo", path=old, code=1)
    assert "Python >= 3.11 is needed" in said
    assert "Python 3.8.10" in said
    assert "apt install" in said


def test_a_python_named_in_the_environment_must_work(tmp_path: Path, wheels: Path) -> None:
    said = new_checkout(tmp_path, wheels).set_up("demo", PYTHON=str(tmp_path / "no-python"), code=1)
    assert "no-python is not a working Python >= 3.11" in said


def test_a_missing_venv_module_is_named_with_what_to_do(tmp_path: Path, wheels: Path) -> None:
    text = f'case "$*" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"'
    debian = script(tmp_path / "bin", "python3", text=text)
    said = new_checkout(tmp_path, wheels).set_up("demo", path=debian, code=1)
    assert "lacks the venv module" in said
    assert "apt install python3-venv" in said


def test_a_short_disk_is_told_before_anything_is_installed(tmp_path: Path, wheels: Path) -> None:
    header = "Filesystem 1024-blocks Used Available Capacity Mounted"
    full = script(tmp_path / "bin", "df", text=f"echo '{header}'; echo '/dev/sda1 9999999 9897599 102400 99% /'")
    checkout = new_checkout(tmp_path, wheels)
    said = checkout.set_up("demo", path=full, code=1)
    assert "4 GiB free are needed" in said
    assert "100 MiB" in said
    assert not (checkout.root / ".venv").exists()


def test_a_failing_pip_says_that_what_is_installed_is_kept(tmp_path: Path, checkout: Checkout) -> None:
    (checkout.root / ".venv" / "setup-stamp.json").unlink()
    checkout.uninstall("shown")
    empty = tmp_path / "empty"
    empty.mkdir()
    said = checkout.set_up("demo", wheels=empty, code=1)
    assert "pip failed (see above)" in said
    assert not (checkout.root / ".venv" / "setup-stamp.json").exists()
