"""What ``macbert audit --dry-run`` tells: some questions asked of the model, and how many there will be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus.dry_run import About, Plan, clocked, resident_bytes, sizes
from macbert.audit.bias import Dimension
from macbert.audit.canaries import Canary
from macbert.audit.config import AuditConfig
from macbert.audit.exposure import Probe
from macbert.audit.scoring import Row, Scorer

SAMPLE_ROWS = 64


def audit_plan(
    config: AuditConfig,
    scorer: Scorer,
    canaries: Sequence[Canary],
    probes: Sequence[Probe],
    dimensions: Sequence[Dimension],
) -> Plan:
    """Return the plan of an audit: every secret is asked for token by token, with each candidate in its place."""
    planted = sum((config.candidates + 2) * len(canary.secret) for canary in canaries)
    personal = sum((len(probe.candidates) + 2) * len(probe.secret) for probe in probes)
    bias = sum(len(d.templates) * len(d.pairs) * (len(d.targets) + 1) for d in dimensions)
    rows = planted + personal + bias
    texts = [canary.text for canary in canaries[:1]] + [probe.text for probe in probes[:1]]
    texts += [template for d in dimensions[:1] for template in d.templates[:1]]
    ids = tuple(scorer.encode(max(texts, key=len, default="北京"))[0])
    some = [Row(ids, (1,), ((ids[1],),))] * SAMPLE_ROWS
    scorer.score(some[:1])  # what is loaded once
    seconds = clocked(lambda: scorer.score(some)) / SAMPLE_ROWS * rows
    writes = [config.output, *([str(Path(config.model, "README.md"))] if config.write_card else [])]
    bias_file = None if config.bias in ("none", "built-in") else config.bias
    return Plan(
        sizes([config.model, config.canaries, *config.pii, bias_file]),
        writes,
        About(seconds, f"{SAMPLE_ROWS} of at most {rows:,} questions timed; the intervals come on top"),
        About(resident_bytes(), "this process with the model"),
        About(200_000 + 60 * len(canaries), "the report's page and 60 bytes a secret"),
    )
