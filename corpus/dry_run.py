"""``--dry-run``: a command's own checks, and then, in place of the work, what it would read, write, take and need.

The commands have no second path that could differ from the first: each calls :func:`planned` where everything is
checked and nothing is written yet.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_asked: ContextVar[bool] = ContextVar("dry_run", default=False)

_SHOWN = 20


@dataclass(frozen=True)
class About:
    """An estimate."""

    value: float | None
    """Seconds or bytes; None where nothing here can tell."""

    basis: str
    """Where it comes from."""


@dataclass(frozen=True)
class Plan:
    """What a command would do."""

    reads: Sequence[tuple[str, int]]
    """Paths with their bytes, those of a folder's files added up."""

    writes: Sequence[str]
    """Files and folders that it would make or replace."""

    seconds: About
    """By the clock, on this machine as it is."""

    memory: About
    """Bytes, of all processes together."""

    disk: About
    """Bytes, at the fullest moment."""

    checked: str = "every input"
    """What the command's checks saw."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the plan as lines of label and value."""
        reads = [("reads", f"{path} ({told_bytes(size)})") for path, size in self.reads[:_SHOWN]]
        if len(self.reads) > _SHOWN:
            rest = self.reads[_SHOWN:]
            reads.append(("", f"and {len(rest):,} more ({told_bytes(sum(size for _, size in rest))})"))
        lines = [
            ("dry run", f"{self.checked}: checked; nothing was written"),
            *reads,
            *(("writes", path) for path in self.writes),
            ("time", _told(self.seconds, told_seconds)),
            ("memory", _told(self.memory, told_bytes)),
            ("disk", _told(self.disk, told_bytes)),
        ]
        free = self.disk_free
        if free is not None:
            short = self.disk.value is not None and self.disk.value > free
            lines.append(("disk, free", told_bytes(free) + (": too little" if short else "")))
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "dry_run": True,
            "checked": self.checked,
            "reads": [{"path": path, "bytes": size} for path, size in self.reads],
            "writes": list(self.writes),
            "seconds": vars(self.seconds),
            "memory_bytes": vars(self.memory),
            "disk_bytes": vars(self.disk),
            "disk_free_bytes": self.disk_free,
        }

    @property
    def disk_free(self) -> int | None:
        """Free bytes where it would write; None where it writes nothing."""
        if not self.writes:
            return None
        path = Path(self.writes[0]).absolute()
        return shutil.disk_usage(next(place for place in (path, *path.parents) if place.exists())).free


class Planned(BaseException):
    """The end of a dry run. No Exception: what a command does when it fails must not happen."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


def planned(make: Callable[[], Plan]) -> None:
    """Mark the place in a command where all is checked and nothing is written: a dry run ends here.

    Args:
        make: makes the plan; called in a dry run alone. It may measure some seconds of the work in memory.
    """
    if _asked.get():
        raise Planned(make())


def is_dry_run() -> bool:
    """Tell whether this is a dry run."""
    return _asked.get()


def plan_of(command: Callable[[], object]) -> Plan:
    """Return what a command would do.

    Raises:
        UserError: what the command itself would refuse.

    >>> plan = Plan([("a.txt", 7)], ["out"], About(1.5, "measured"), About(None, "not known"), About(12, "as read"))
    >>> plan_of(lambda: planned(lambda: plan)).reads
    [('a.txt', 7)]
    """
    token = _asked.set(True)
    try:
        command()
    except Planned as end:
        return end.plan
    finally:
        _asked.reset(token)
    raise AssertionError("a command that offers a dry run has no place to end one")


def together(plans: Iterable[Plan], *, writes: Sequence[str]) -> Plan:
    """Return the plan of commands that run one after the other and keep all they write."""
    plans = list(plans)
    paths = dict(pair for plan in plans for pair in plan.reads)

    def added(estimates: Sequence[About], add: Callable[[Sequence[float]], float]) -> About:
        values = [about.value for about in estimates if about.value is not None]
        basis = "; ".join(dict.fromkeys(about.basis for about in estimates))
        return About(add(values) if len(values) == len(estimates) else None, basis)

    return Plan(
        list(paths.items()),
        writes,
        added([plan.seconds for plan in plans], sum),
        added([plan.memory for plan in plans], max),
        added([plan.disk for plan in plans], sum),
    )


def sizes(paths: Iterable[str | Path | None]) -> list[tuple[str, int]]:
    """Return paths with their bytes; None is left out, and what is no path of this machine (a hub's name) has 0."""
    found = {}
    for path in paths:
        if path is not None:
            found[str(path)] = _size(Path(path))
    return list(found.items())


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(Path(folder, name).stat().st_size for folder, _, names in os.walk(path) for name in names)
    return path.stat().st_size if path.is_file() else 0


def clocked(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes, by the clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def resident_bytes() -> int:
    """Return the most memory that this process has had: interpreter, libraries and what is loaded."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def told_bytes(size: float) -> str:
    """Return a size for people.

    >>> told_bytes(999), told_bytes(12_345_678)
    ('999 bytes', '12 MB')
    """
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.{0 if size >= 10 * unit else 1}f} {name}"
    return f"{size:.0f} bytes"


def told_seconds(seconds: float) -> str:
    """Return a duration for people.

    >>> told_seconds(0.2), told_seconds(200), told_seconds(20_000)
    ('a second', '3 min', '5.6 h')
    """
    if seconds < 1.5:
        return "a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def _told(about: About, told: Callable[[float], str]) -> str:
    return f"not known ({about.basis})" if about.value is None else f"about {told(about.value)} ({about.basis})"
