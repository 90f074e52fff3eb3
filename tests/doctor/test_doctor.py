"""The doctor finds what is wrong, says what to do, and ends with 1; the self-test is the real thing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest

from macbert.cli import main
from macbert.doctor import Diagnosis, Finding, machine, selftest, versions


def by_name(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


@pytest.fixture
def requires(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that the installed metadata hold, to be filled by a test."""
    lines: list[str] = []
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    return lines


def test_a_version_outside_its_range_and_a_missing_package_are_faults_with_the_install_command(
    requires: list[str],
) -> None:
    requires += ["numpy<1,>=0.9", "no-such-package>=1", "pyyaml>=5"]
    found = by_name(versions.version_findings())
    assert found["numpy"].status == found["no-such-package"].status == "fault"
    assert found["numpy"].fix == "pip install 'numpy<1,>=0.9'"
    assert metadata.version("numpy") in found["numpy"].found
    assert "pyyaml" not in found
    assert found["always needed"].found == "1 of 3 in the tested range"


def test_a_missing_extra_is_a_note_and_one_of_another_version_a_fault(requires: list[str]) -> None:
    requires += [
        "numpy>=2",
        'no-such-package>=1; extra == "ray"',
        'numpy<1; extra == "corpus"',
        'numpy<1; extra == "dev"',
        'pyyaml>=5; extra == "demo"',
        'no-such-package>=1; sys_platform == "amiga" and extra == "demo"',
    ]
    found = by_name(versions.version_findings())
    assert (found["ray"].status, found["ray"].fix) == ("note", "if you need it: pip install 'macbert-zh[ray]'")
    assert found["corpus"].status == "fault"
    assert found["dev"].status == "note"
    assert (found["demo"].status, found["demo"].fix) == ("sound", "")


def test_the_ranges_are_those_of_the_installed_package() -> None:
    by_extra = versions.requirements_by_extra(metadata.requires("macbert-zh") or [])
    (torch,) = [requirement for requirement in by_extra[""] if requirement.name == "torch"]
    assert torch.specifier.contains("2.10")
    assert not torch.specifier.contains("2.9")
    assert {"corpus", "demo", "dev", "ray", "test"} <= set(by_extra)


def test_a_package_that_is_not_installed_has_no_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    (finding,) = versions.version_findings()
    assert (finding.status, finding.name) == ("fault", "macbert-zh")


def test_another_distribution_with_a_package_of_our_name_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    owners = {"tokenizer": ["macbert-zh", "tokenizer"], "corpus": ["macbert-zh"]}
    monkeypatch.setattr(metadata, "packages_distributions", lambda: owners)
    found = by_name(versions.package_findings())
    assert found["corpus"].status == "sound"
    assert found["tokenizer"].status == "fault"
    assert "pip uninstall tokenizer;" in found["tokenizer"].fix


def test_a_place_that_cannot_be_written_and_a_full_disk_are_faults() -> None:
    found = by_name(machine.place_findings("/proc", min_free_gb=1e9))
    assert found["folder"].status == "fault"
    assert "/proc cannot be written" in found["folder"].found
    assert found["disk"].status == "fault"
    assert found["temporary files"].status == "sound"


def test_a_locale_that_is_not_utf8_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.locale, "getpreferredencoding", lambda _: "GB2312")
    found = by_name(machine.place_findings(".", min_free_gb=0))
    assert (found["locale"].status, found["locale"].found) == ("fault", "text files in GB2312")


def test_the_self_test_segments_encodes_masks_and_trains() -> None:
    found = list(selftest.self_test_findings())
    assert [(finding.name, finding.status) for finding in found] == [
        (name, "sound") for name in ("segment", "encode", "mask", "train")
    ], found


def test_a_wrong_answer_ends_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "WORDS", ["使", "用"])
    (finding,) = selftest.self_test_findings()
    assert finding.status == "fault"
    assert "使用/语言/模型" in finding.found


def test_the_verdict_is_sound_without_faults_only() -> None:
    note, fault = Finding("a", "b", "note", "c"), Finding("a", "d", "fault", "e", "f")
    assert (Diagnosis((note,)).sound, Diagnosis((note,)).exit_code) == (True, 0)
    assert (Diagnosis((note, fault)).sound, Diagnosis((note, fault)).exit_code) == (False, 1)
    assert Diagnosis((note, fault)).summary() == [("verdict", "1 to mend: d")]


def test_the_command_prints_json_leaves_nothing_behind_and_ends_with_1_on_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["doctor", "--folder", str(tmp_path), "--no-self-test", "--json", "--quiet"]
    assert main([*call, "--min-free-gb", "1e9"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["sound"] is False
    assert [f["name"] for f in told["findings"] if f["status"] == "fault" and f["area"] == "place"] == ["disk"]
    assert list(tmp_path.iterdir()) == []
