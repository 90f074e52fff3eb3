"""``macbert corpus verify``: is a corpus folder still what was written?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from corpus.config import VerifyCorpusConfig
from corpus.errors import Problem, UserError
from corpus.manifest import read_manifest, verify_manifest
from corpus.rejects import folder_of
from corpus.report.result import load_report


@dataclass(frozen=True)
class VerifiedCorpus:
    """A corpus folder whose files have the hashes, rows and counts that were recorded."""

    folder: str
    files: int
    documents: int
    bytes: int

    def summary(self) -> list[tuple[str, str]]:
        """Return the result as lines of label and value."""
        size = f"{self.files} files, {self.bytes:,} bytes, {self.documents:,} documents"
        return [("corpus", self.folder), ("verified", size)]


def verify_corpus(
    config: VerifyCorpusConfig, progress: Callable[[str, int, int | None], None] | None = None
) -> VerifiedCorpus:
    """Recompute every hash and count of a corpus folder.

    Raises:
        UserError: listing each file that is missing, changed or not in the manifest, and each count that is off.
    """
    folder = Path(config.folder)
    manifest = read_manifest(folder, "corpus")
    problems = verify_manifest(folder, "corpus")
    report = load_report(folder) if not problems else None
    again = "restore the file or build the corpus again"
    rows = 0
    for name, entry in manifest["files"].items():
        path = folder / name
        if problems or not name.startswith("part-"):
            continue
        try:
            found = pyarrow.parquet.read_metadata(path).num_rows
        except pa.ArrowInvalid:
            problems.append(Problem(str(path), "a Parquet file", "something else", again))
            continue
        rows += found
        if found != entry.get("rows"):
            problems.append(Problem(str(path), f"{entry.get('rows')} rows", str(found), again))
    if report is not None and not problems and not rows == report.kept == manifest["documents"]:
        problems.append(Problem(str(folder), f"{report.kept} documents", str(rows), "build the corpus again"))
    if report is not None and not problems:
        # One reason may be of both kinds: a line too long for a record, a document too long for a step.
        counted = _rejected(folder, manifest["files"])
        for reason, count in sorted((Counter(report.dropped) + Counter(report.quarantined)).items()):
            place = folder / "rejected" / folder_of(reason)
            if counted[place.name] != count:
                problems.append(Problem(str(place), f"{count} records", str(counted[place.name]), again))
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "manifest.json" and name not in manifest["files"]:
            problems.append(Problem(str(path), "only files of the manifest", "another file", "move it elsewhere"))
    if problems:
        raise UserError(*problems)
    size = sum(entry["bytes"] for entry in manifest["files"].values())
    return VerifiedCorpus(str(folder), len(manifest["files"]), rows, size)


def _rejected(folder: Path, files: Iterable[str]) -> Counter[str]:
    """Return the records under ``rejected/`` by the name of their folder."""
    found: Counter[str] = Counter()
    for name in files:
        if name.startswith("rejected/"):
            with open(folder / name, "rb") as stream:
                while block := stream.read(1 << 20):
                    found[name.split("/")[1]] += block.count(b"\n")
    return found
