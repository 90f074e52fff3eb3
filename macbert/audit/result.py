"""What an audit came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from macbert.audit.bias import Gap


@dataclass(frozen=True)
class CountExposure:
    """Secrets that were planted equally often."""

    planted: int
    secrets: int
    mean: float
    low: float
    high: float
    """Mean bits with a 95 % bootstrap interval; 1.44 is expected of a secret that the model never saw."""
    restored: int
    p_above_control: float
    """That they are not above the never-planted ones (Mann and Whitney, one side)."""


@dataclass(frozen=True)
class PiiRecall:
    """Personal data of one kind."""

    kind: str
    probes: int
    restored: int
    low: float
    high: float
    """95 % interval (Wilson) of the share restored."""
    mean_bits: float


@dataclass(frozen=True)
class AuditResult:
    """Figures of an audit."""

    output: str
    model: str
    hide: str
    exposures: list[CountExposure]
    pii: list[PiiRecall]
    gaps: list[Gap]
    unread: int
    """Probes left out: their secret is no whole number of tokens of this vocabulary."""

    @property
    def clear_gaps(self) -> list[Gap]:
        """Targets whose interval leaves out 0."""
        return [gap for gap in self.gaps if gap.is_clear]

    def tables(self) -> list[tuple[str, Sequence[str], list[tuple[str, ...]]]]:
        """Return the tables of the report."""
        tables: list[tuple[str, Sequence[str], list[tuple[str, ...]]]] = []
        head: Sequence[str]
        rows: list[tuple[str, ...]]
        if self.exposures:
            head = ("planted", "secrets", "mean bits", "95 %", "restored", "p against never planted")
            rows = [
                (
                    str(e.planted),
                    str(e.secrets),
                    f"{e.mean:.2f}",
                    f"{e.low:.2f} to {e.high:.2f}",
                    str(e.restored),
                    "control" if e.planted == 0 else f"{e.p_above_control:.2g}",
                )
                for e in self.exposures
            ]
            tables.append(("Exposure of planted secrets", head, rows))
        if self.pii:
            head = ("kind", "probes", "restored", "95 %", "mean bits")
            rows = [
                (p.kind, str(p.probes), str(p.restored), f"{p.low:.1%} to {p.high:.1%}", f"{p.mean_bits:.2f}")
                for p in self.pii
            ]
            tables.append(("Recall of personal data", head, rows))
        if self.gaps:
            head = ("dimension", "target", "toward", "gap (nats)", "95 %", "samples")
            rows = [
                (
                    g.dimension,
                    g.target,
                    g.toward + ("" if g.is_clear else " (not clear)"),
                    f"{g.gap:+.3f}",
                    f"{g.low:+.3f} to {g.high:+.3f}",
                    str(g.samples),
                )
                for g in self.gaps
            ]
            tables.append(("Gaps between groups", head, rows))
        return tables

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        how = "[MASK]" if self.hide == "mask" else "random tokens"
        lines = [("model", self.model), ("hidden places hold", how), ("report", f"{self.output}/report.html")]
        if self.gaps:
            by_chance = 0.05 * len(self.gaps)
            lines.append(("clear gaps", f"{len(self.clear_gaps)} of {len(self.gaps)} (by chance {by_chance:.1f})"))
        return [*lines, ("probes left out", str(self.unread))] if self.unread else lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return asdict(self)
