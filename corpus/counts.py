"""What happened to the records of one input file; sums of these are the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class StepCounts:
    """Documents, characters and tokens (see ``corpus.token_count``) that went into a step and came out."""

    documents_in: int = 0
    characters_in: int = 0
    tokens_in: int = 0
    documents_out: int = 0
    characters_out: int = 0
    tokens_out: int = 0
    changed: int = 0


COUNTERS = ("dropped", "quarantined", "encodings", "pii", "languages", "lengths_read", "lengths_kept")


def _by_number_or_name(item: tuple[str, int]) -> tuple[int, str]:
    return int(item[0]) if item[0].isdigit() else 0, item[0]


def length_class(length: int) -> str:
    """Return the largest power of two that is not above a length, as its name in a histogram.

    >>> length_class(200)
    '128'
    """
    return str(1 << (max(1, length).bit_length() - 1))


@dataclass
class Counts:
    """Records by what became of them; ``read == kept + dropped + quarantined`` after every stage."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    characters_read: int = 0
    characters_kept: int = 0
    tokens_read: int = 0
    tokens_kept: int = 0
    encodings: Counter[str] = field(default_factory=Counter)
    pii: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    """Languages of every eighth document kept."""
    lengths_read: Counter[str] = field(default_factory=Counter)
    lengths_kept: Counter[str] = field(default_factory=Counter)
    """Documents by length: ``128`` counts those of 128 to 255 characters."""
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
        self.tokens_read += other.tokens_read
        self.tokens_kept += other.tokens_kept
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
            values[name] = dict(sorted(values[name].items(), key=_by_number_or_name))
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Counts:
        """Return the counts that :meth:`as_json` gave."""
        counts = cls(**values)
        for name in COUNTERS:
            setattr(counts, name, Counter(values[name]))
        counts.steps = {name: StepCounts(**step) for name, step in values["steps"].items()}
        return counts
