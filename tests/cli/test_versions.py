"""Versions outside the tested ranges are refused before anything of theirs is imported, and named all at once."""

from __future__ import annotations

import re
import time
from importlib import metadata
from pathlib import Path

import pytest

from macbert.cli import main
from macbert.cli.commands import COMMANDS
from macbert.cli.versions import DISTRIBUTION, GO_ON, check_versions, is_within, requirements

PRETRAIN = ["pretrain", "--data", "NOTHING", "--output", "OUT", "--quiet"]


def install(folder: Path, name: str, version: str, *requires: str) -> None:
    """Make a distribution that has a name and a version and nothing else."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    text = "\n".join([*lines, *(f"Requires-Dist: {line}" for line in requires)])
    (info / "METADATA").write_text(f"{text}\n\nVersion: 9.9 is what a description may say.\n", encoding="utf-8")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose distributions stand before the installed ones."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv(GO_ON, raising=False)
    return folder


def test_what_is_installed_here_is_in_its_ranges() -> None:
    for path, command in COMMANDS.items():
        assert check_versions(path, command) == []


def test_the_ranges_are_those_of_the_installed_distribution() -> None:
    told = dict(requirements(COMMANDS["export",]))
    lines = metadata.requires(DISTRIBUTION)
    assert lines is not None
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0] for line in lines if "extra ==" not in line}
    assert set(told) == names | {"onnx", "onnxruntime"}
    assert set(requirements(COMMANDS["corpus", "build"])) == {
        pair for pair in requirements(COMMANDS["pretrain",]) if pair[0] not in ("torch", "transformers", "accelerate")
    }


def test_every_package_outside_its_range_is_named_with_range_version_and_command(
    packages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(packages, "torch", "2.9.1+cu128")
    install(packages, "transformers", "6.0.0")
    assert main(PRETRAIN) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("macbert: error: torch: expected a tested version (")
    ranges = dict(requirements(COMMANDS["pretrain",]))
    assert f"found 2.9.1+cu128; pip install 'torch{ranges['torch']}', or set {GO_ON}=1" in lines[0]
    assert "found 6.0.0; pip install 'transformers" in lines[1]


def test_a_floor_that_never_imports_a_package_does_not_mind_its_version(
    packages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(packages, "torch", "2.9.1")
    assert main(["corpus", "verify", "NOTHING", "--quiet"]) == 2
    assert "torch" not in capsys.readouterr().err


def test_an_extra_is_looked_at_by_the_commands_that_need_it(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(packages, "onnx", "1.0")
    assert main(["export", "--model", "NOTHING", "--output", "OUT", "--quiet"]) == 2
    assert "onnx: expected a tested version" in capsys.readouterr().err
    assert main(["data", "validate", "--input", "NOTHING", "--quiet"]) == 2
    assert "onnx" not in capsys.readouterr().err


def test_one_may_go_on_at_ones_own_risk(
    packages: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(packages, "rich", "1.0")
    monkeypatch.setenv(GO_ON, "1")
    assert main(["data", "validate", "--input", "NOTHING"]) == 2
    errors = capsys.readouterr().err
    assert "macbert: warning: rich: expected a tested version" in errors
    assert "NOTHING: expected" in errors


def test_help_doctor_and_recipes_run_with_any_versions(packages: Path) -> None:
    install(packages, "torch", "1.0")
    assert main(["pretrain", "--help"]) == 0
    assert main(["recipes", "ls", "--quiet"]) == 0
    assert check_versions(("doctor",), COMMANDS["doctor",]) == []


def test_the_egg_info_of_an_editable_installation_is_read_too(packages: Path) -> None:
    folder = packages / "macbert_zh.egg-info"
    folder.mkdir()
    text = f"Metadata-Version: 2.4\nName: {DISTRIBUTION}\nVersion: 0.1.0\nRequires-Dist: torch<3,>=2.10\n"
    (folder / "PKG-INFO").write_text(text, encoding="utf-8")
    assert list(requirements(COMMANDS["pretrain",])) == [("torch", "<3,>=2.10")]


def test_what_is_not_installed_is_refused_whatever_is_set(
    packages: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(packages, DISTRIBUTION, "0.1.0", "nowhere-to-be-found<3,>=2.1")
    monkeypatch.setenv(GO_ON, "1")
    assert main(PRETRAIN) == 2
    expected = "nowhere-to-be-found: expected version <3,>=2.1, found no such package; pip install 'nowhere"
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("version", ["2.10", "2.10.0", "2.99", "2.13.0+cpu", "2.9", "3", "3.0.0", "1.99.9"])
def test_the_short_comparison_says_what_packaging_says(version: str) -> None:
    from packaging.specifiers import SpecifierSet

    for wanted in (">=2.10,<3", "<3,>=2.10", ">=2", "<2.10.0"):
        assert is_within(version, wanted) == SpecifierSet(wanted).contains(version, prereleases=True), wanted


def test_other_forms_of_ranges_are_left_to_packaging() -> None:
    assert is_within("2.11", "~=2.10")
    assert not is_within("2.11", ">=2.10,!=2.11")
    assert is_within("2.11.0rc1", ">=2.10,<3")


def test_the_check_takes_less_than_20_milliseconds() -> None:
    command = COMMANDS["export",]
    check_versions(("export",), command)

    def seconds() -> float:
        began = time.process_time()
        check_versions(("export",), command)
        return time.process_time() - began

    assert min(seconds() for _ in range(5)) < 0.02
