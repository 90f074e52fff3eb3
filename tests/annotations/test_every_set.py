"""Every labelled set of the development data: read, validated, and back again, every fault of the source listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTED = ROOT / "docs" / "data-issues.md"


@pytest.fixture(scope="module")
def issues(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    return load_file(ROOT / "scripts" / "reproduce" / "data_issues.py")


def rows(title: str) -> list[list[str]]:
    """Return the cells of a table of the document."""
    lines = LISTED.read_text(encoding="utf-8").split(f"## {title}")[1].split("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]


def test_the_start_of_every_set_comes_back_and_its_faults_are_known(issues: ModuleType, shared_data: Path) -> None:
    known = {(name, problem) for name, problem, *_ in rows("Problems")}
    listed = {name for name, *_ in rows("All files")}
    findings = issues.all_findings(shared_data / "tasks", limit=40)
    assert {finding.name for finding in findings} == listed
    assert len({name.split("/")[0] for name in listed} - {"fewclue"}) == 32
    assert len({name.rsplit("/", 1)[0] for name in listed if name.startswith("fewclue")}) == 7
    for finding in findings:
        assert finding.texts > 0, finding.name
        assert finding.changed <= finding.faulty, finding.name
        assert {(finding.name, kind) for kind in finding.problems} <= known


@pytest.mark.slow
def test_every_record_of_every_set_is_counted_as_the_document_says(issues: ModuleType, shared_data: Path) -> None:
    findings = issues.all_findings(shared_data / "tasks")
    assert issues.page(findings) == LISTED.read_text(encoding="utf-8")
    assert all(finding.changed <= finding.faulty for finding in findings)


def test_a_fault_is_listed_without_the_texts(issues: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "tasks" / "re_duie_x"
    folder.mkdir(parents=True)
    spo = '{"predicate": "p", "subject": "王五", "subject_type": "", "object": "李雷", "object_type": ""}'
    (folder / "train.jsonl").write_text(f'{{"text": "李雷", "spo_list": [{spo}]}}\n', encoding="utf-8")
    (finding,) = issues.all_findings(tmp_path / "tasks")
    assert (finding.records, finding.texts, finding.changed, finding.faulty) == (1, 1, 1, 1)
    assert list(finding.problems) == ["spo_list[N] with surfaces of the text: '…' or '…' absent"]
    assert "李雷" not in issues.page([finding])
