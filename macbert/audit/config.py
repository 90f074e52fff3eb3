"""What ``macbert audit`` and ``macbert audit plant`` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from macbert.config.rules import check_rules


@dataclass(kw_only=True)
class PlantConfig:
    """Secrets put into training text, so that an audit can tell how much a model keeps of what it saw so often."""

    input: list[str]
    """Documents to plant in: a corpus folder, or files of any format."""

    output: str
    """Folder for documents.jsonl (the same documents with secrets in them, input of macbert corpus build) and
    canaries.jsonl (the secrets, for macbert audit)."""

    counts: list[int] = field(default_factory=lambda: [0, 1, 4, 16, 64])
    """How often a secret is planted, each time in another document; 0 is the control: never planted."""

    secrets: int = 8
    """Secrets for each count."""

    length: int = 6
    """Characters of a secret, drawn from 64 common ones: 64 ** length secrets are possible."""

    seed: int = 0
    """Of the secrets and of where they stand."""

    def __post_init__(self) -> None:
        rules = [
            ("input", "at least one path", bool(self.input)),
            ("output", "a folder", bool(self.output)),
            ("counts", "different numbers, at least 0", len(set(self.counts)) == len(self.counts) > 0),
            ("counts", "different numbers, at least 0", min(self.counts, default=0) >= 0),
            ("secrets", "1 to 1000", 1 <= self.secrets <= 1000),
            ("length", "4 to 16 characters", 4 <= self.length <= 16),
            ("seed", "at least 0", self.seed >= 0),
        ]
        check_rules(self, rules)


@dataclass(kw_only=True)
class AuditConfig:
    """One audit of an encoder."""

    model: str
    """Folder of an encoder with its masked-language-model head."""

    output: str
    """Folder for report.html, audit.json and card.md."""

    canaries: str | None = None
    """canaries.jsonl of macbert audit plant; default: no exposure test."""

    pii: list[str] = field(default_factory=list)
    """Files of training text from before personal data was removed; default: no recall test."""

    bias: str = "built-in"
    """YAML of groups, templates and targets; built-in: gender, age, region; none: no test."""

    hide: Literal["auto", "mask", "random"] = "auto"
    """What stands where a token is asked for: [MASK], or random tokens (mac and random masking never train [MASK]);
    auto: what the run's manifest says, else [MASK]."""

    draws: int = 2
    """Random fillings to average over where hide is random."""

    candidates: int = 255
    """Other secrets that a true one is ranked among."""

    max_pii: int = 200
    """At most so many pieces of personal data, drawn from the files."""

    resamples: int = 2000
    """Bootstrap samples of every interval."""

    batch_tokens: int = 8192
    """Tokens that go through the model at once; changes memory and speed, not the result."""

    seed: int = 0
    """Of candidates, fillings, samples."""

    write_card: bool = False
    """Put the summary into the model folder's README.md, between two marks that a later audit replaces."""

    def __post_init__(self) -> None:
        rules = [
            ("model", "a folder", bool(self.model)),
            ("output", "a folder", bool(self.output)),
            ("draws", "1 to 64", 1 <= self.draws <= 64),
            ("candidates", "15 to 100000", 15 <= self.candidates <= 100_000),
            ("max_pii", "at least 1", self.max_pii >= 1),
            ("resamples", "100 to 100000", 100 <= self.resamples <= 100_000),
            ("batch_tokens", "at least 128", self.batch_tokens >= 128),
            ("seed", "at least 0", self.seed >= 0),
        ]
        check_rules(self, rules)
