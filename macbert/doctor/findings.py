"""What was looked at, what was found, and what to do about it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["sound", "note", "fault"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    area: str
    """"versions", "extras", "packages", "machine", "place" or "self-test"."""

    name: str
    """What was looked at."""

    status: Status
    """"fault" is what must be mended, "note" is what may matter to you."""

    found: str
    """What is there."""

    fix: str = ""
    """What to do; empty where nothing is."""


@dataclass(frozen=True)
class Diagnosis:
    """All findings, in the order in which they were made."""

    findings: tuple[Finding, ...]
    """Of every area."""

    @property
    def sound(self) -> bool:
        """Whether nothing must be mended."""
        return not any(finding.status == "fault" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 where everything is sound, else 1."""
        return 0 if self.sound else 1

    def tables(self) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
        """Return one table an area; what is sound needs no advice."""
        areas = dict.fromkeys(finding.area for finding in self.findings)
        header = ("", "what", "found", "what to do")
        return [
            (area, header, [(f.status, f.name, f.found, f.fix) for f in self.findings if f.area == area])
            for area in areas
        ]

    def summary(self) -> list[tuple[str, str]]:
        """Return the verdict."""
        faults = [finding.name for finding in self.findings if finding.status == "fault"]
        return [("verdict", "sound" if self.sound else f"{len(faults)} to mend: {', '.join(faults)}")]

    def as_json(self) -> dict[str, Any]:
        """Return every finding."""
        return {"sound": self.sound, "findings": [dataclasses.asdict(finding) for finding in self.findings]}
