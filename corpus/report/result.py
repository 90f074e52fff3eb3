"""The result of a build, as it is returned, stored and read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.config import ReportCorpusConfig
from corpus.counts import Counts
from corpus.errors import UserError
from corpus.files import atomic_file
from corpus.manifest import package_versions, verify_manifest
from corpus.report.page import render_page

REPORT_NAME = "report.json"


@dataclass(frozen=True)
class CorpusReport:
    """What was read, kept, dropped and quarantined; ``kept + dropped + quarantined == read``."""

    read: int
    """Records of all inputs."""

    kept: int
    """Documents in the corpus."""

    dropped: dict[str, int]
    """Documents dropped by a step, by reason."""

    quarantined: dict[str, int]
    """Damaged records, by reason."""

    characters_read: int
    characters_kept: int
    tokens_read: int
    tokens_kept: int

    lengths_read: dict[str, int]
    """Documents read by length: ``128`` counts those of 128 to 255 characters."""

    lengths_kept: dict[str, int]

    languages: dict[str, int]
    """Languages of every eighth document that the steps on one document kept."""

    encodings: dict[str, int]
    """Records by the encoding they were in."""

    pii: dict[str, int]
    """Personal data replaced in the documents kept by their steps, by kind."""

    repaired: int
    """Records in another encoding than their file, or whose mojibake was undone."""

    renamed: int
    """Documents whose id another one had already; they got ``#2``, ``#3`` and so on."""

    steps: dict[str, dict[str, int]]
    """Documents, characters and tokens into and out of each step."""

    sources: dict[str, dict[str, Any]]
    """The same counts for each source."""

    samples: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Beginnings of dropped documents by reason, personal data replaced."""

    clusters: dict[str, int] = field(default_factory=dict)
    """Clusters of exact and near duplicates by their size."""

    empty_files: list[str] = field(default_factory=list)
    """Sources whose file holds nothing."""

    settings: dict[str, Any] = field(default_factory=dict)
    """The steps with their thresholds, and what else the output depends on."""

    versions: dict[str, str] = field(default_factory=package_versions)
    """Python and the packages whose changes could change the output."""

    rows: dict[str, int] = field(default_factory=dict)
    """Documents in each shard."""

    folder: str = ""
    """Where the corpus is; not stored."""

    reused: bool = False
    """True where the corpus was there already and nothing was done; not stored."""

    def __post_init__(self) -> None:
        accounted = self.kept + sum(self.dropped.values()) + sum(self.quarantined.values())
        assert self.read == accounted, f"{self.read} records were read and {accounted} are accounted for"

    @classmethod
    def of(cls, total: Counts, sources: dict[str, Counts], **more: Any) -> CorpusReport:
        """Return the report on these counts."""
        values = total.as_json()
        by_source = {name: counts.as_json() for name, counts in sorted(sources.items())}
        return cls(**values, sources=by_source, **more)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, the same for equal corpora wherever they were made."""
        return {name: value for name, value in vars(self).items() if name not in ("folder", "reused")}

    def summary(self) -> list[tuple[str, str]]:
        """Return the report as lines of label and value for one screen."""
        lines = [("corpus", self.folder + (" (there already, unchanged)" if self.reused else ""))]
        lines.append(("read", f"{self.read:,} records, {self.characters_read:,} characters"))
        lines.append(
            ("kept", f"{self.kept:,} documents, {self.characters_kept:,} characters, {self.tokens_kept:,} tokens")
        )
        lines += [(f"dropped: {reason}", f"{count:,}") for reason, count in self.dropped.items()]
        lines += [(f"quarantined: {reason}", f"{count:,}") for reason, count in self.quarantined.items()]
        if self.pii:
            lines.append(("personal data", ", ".join(f"{kind} {count:,}" for kind, count in self.pii.items())))
        lines.append(("encodings", ", ".join(f"{name} {count:,}" for name, count in self.encodings.items())))
        return lines


def save_report(report: CorpusReport, folder: Path) -> None:
    """Write ``report.json`` and ``report.html`` into a folder."""
    with atomic_file(folder / REPORT_NAME) as stream:
        json.dump(report.as_json(), stream, ensure_ascii=False, indent=2)
        stream.write("\n")
    with atomic_file(folder / "report.html") as stream:
        stream.write(render_page(report.as_json()))


def load_report(folder: str | Path) -> CorpusReport:
    """Return the report of a corpus folder.

    Raises:
        UserError: the folder is not a finished corpus, or its report is gone or changed.
    """
    folder = Path(folder)
    if problems := verify_manifest(folder, "corpus", only=lambda name: name == REPORT_NAME):
        raise UserError(*problems)
    try:
        values = json.loads((folder / REPORT_NAME).read_text(encoding="utf-8"))
        return CorpusReport(**values, folder=str(folder))
    except (OSError, TypeError, ValueError, AssertionError):
        where, fix = folder / REPORT_NAME, "build the corpus again"
        raise UserError.at(where, expected="the report of a build", found="none", fix=fix) from None


def report_corpus(
    config: ReportCorpusConfig, progress: Callable[[str, int, int | None], None] | None = None
) -> CorpusReport:
    """Return the report of a corpus folder; ``report.html`` in it shows the same to people."""
    return load_report(config.folder)
