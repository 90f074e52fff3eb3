"""What happened to the records of one input file; sums of these are the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class StepCounts:
    """Documents and characters that went into a step and came out."""

    documents_in: int = 0
    characters_in: int = 0
    documents_out: int = 0
    characters_out: int = 0
    changed: int = 0


COUNTERS = ("dropped", "quarantined", "encodings", "pii")


@dataclass
class Counts:
    """Records by what became of them; ``read == kept + dropped + quarantined`` after every stage."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    characters_read: int = 0
    characters_kept: int = 0
    encodings: Counter[str] = field(default_factory=Counter)
    pii: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    steps: dict[str, StepCounts] = field(default_factory=dict)

    def balance(self) -> None:
        """Assert that every record is accounted for."""
        accounted = self.kept + self.dropped.total() + self.quarantined.total()
        assert self.read == accounted, f"{self.read} records were read and {accounted} are accounted for"

    def add(self, other: Counts) -> None:
        """Add another file's counts to these."""
        self.read += other.read
        self.kept += other.kept
        self.characters_read += other.characters_read
        self.characters_kept += other.characters_kept
        self.repaired += other.repaired
        for name in COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for name, theirs in other.steps.items():
            ours = self.steps.setdefault(name, StepCounts())
            for key, value in vars(theirs).items():
                setattr(ours, key, getattr(ours, key) + value)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, names in alphabetical order."""
        values = dict(vars(self), steps={name: dict(vars(step)) for name, step in self.steps.items()})
        for name in COUNTERS:
            values[name] = dict(sorted(values[name].items()))
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Counts:
        """Return the counts that :meth:`as_json` gave."""
        counts = cls(**values)
        for name in COUNTERS:
            setattr(counts, name, Counter(values[name]))
        counts.steps = {name: StepCounts(**step) for name, step in values["steps"].items()}
        return counts
