"""The whole examination, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from macbert.doctor.config import DoctorConfig
from macbert.doctor.findings import Diagnosis, Finding
from macbert.doctor.machine import machine_findings, place_findings
from macbert.doctor.selftest import self_test_findings
from macbert.doctor.versions import package_findings, version_findings


def examine(config: DoctorConfig, *, progress: Callable[[str, int, int | None], None] | None = None) -> Diagnosis:
    """Look at everything that has to be right for the other commands, and try the heart of them.

    Nothing stays behind on the disk, and nothing is fetched.
    """
    parts: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("versions", version_findings),
        ("packages", package_findings),
        ("machine", machine_findings),
        ("place", lambda: place_findings(config.folder, config.min_free_gb)),
    ]
    if config.self_test:
        parts.append(("self-test", self_test_findings))
    findings: list[Finding] = []
    for number, (name, part) in enumerate(parts, 1):
        findings += part()
        if progress is not None:
            progress(f"examine {name}", number, len(parts))
    return Diagnosis(tuple(findings))
