"""What ``macbert doctor`` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpus.errors import Problem, UserError


@dataclass(kw_only=True)
class DoctorConfig:
    """Settings of the examination."""

    folder: str = "."
    """Where you are going to work: its free space and the right to write there are checked."""

    min_free_gb: float = 2.0
    """Free space under which the disk counts as too full, in GB (1e9 bytes)."""

    self_test: bool = True
    """Segment, encode, mask and train one step on a few sentences (some seconds)."""

    def __post_init__(self) -> None:
        problems = []
        if not Path(self.folder).is_dir():
            found = "a file" if Path(self.folder).exists() else "nothing"
            problems.append(Problem("--folder", "a folder that exists", f"{found} at {self.folder}", "make it first"))
        if not self.min_free_gb >= 0:
            problems.append(Problem("--min-free-gb", "a number >= 0", str(self.min_free_gb), "give a larger one"))
        if problems:
            raise UserError(*problems)
