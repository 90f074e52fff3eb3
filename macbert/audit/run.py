"""``macbert audit``: every test that was asked for, one report."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from corpus.dry_run import planned
from corpus.files import MANIFEST_NAME, atomic_file, atomic_folder
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from macbert.audit.bias import gaps, read_dimensions
from macbert.audit.canaries import Canary, other_secrets, read_canaries
from macbert.audit.config import AuditConfig
from macbert.audit.exposure import Exposure, Probe, exposures
from macbert.audit.intervals import bootstrap_mean, greater, wilson
from macbert.audit.pii import pii_probes
from macbert.audit.planning import audit_plan
from macbert.audit.report import card, page, with_card
from macbert.audit.result import AuditResult, CountExposure, PiiRecall
from macbert.audit.scoring import Scorer

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]


def audit(config: AuditConfig, *, progress: Progress | None = None) -> AuditResult:
    """Test an encoder for what it remembers and what it presumes, and write report.html, audit.json and card.md.

    Raises:
        UserError: no such model or one without its head, probes that cannot be read, somebody else's output folder.
    """
    folder = own_output(config.output, "audit")
    canaries = read_canaries(config.canaries) if config.canaries else []
    probes = (
        pii_probes(config.pii, most=config.max_pii, candidates=config.candidates, seed=config.seed)
        if config.pii
        else []
    )
    dimensions = [] if config.bias == "none" else read_dimensions(config.bias)
    scorer = Scorer(
        config.model, hide=config.hide, draws=config.draws, batch_tokens=config.batch_tokens, seed=config.seed
    )
    planned(lambda: audit_plan(config, scorer, canaries, [probe for _, probe in probes], dimensions))
    planted = _planted(scorer, canaries, config, progress)
    personal = exposures(scorer, [probe for _, probe in probes], progress)
    found = []
    for number, dimension in enumerate(dimensions, 1):
        found += gaps(scorer, dimension, resamples=config.resamples, seed=config.seed)
        if progress is not None:
            progress("bias", number, len(dimensions))
    result = AuditResult(
        output=config.output,
        model=config.model,
        hide=scorer.hide,
        exposures=_by_count(canaries, planted, config),
        pii=_by_kind([kind for kind, _ in probes], personal),
        gaps=found,
        unread=sum(exposure is None for exposure in [*planted, *personal]),
    )
    with atomic_folder(folder) as inside:
        (inside / "report.html").write_text(page(result), encoding="utf-8")
        (inside / "card.md").write_text(card(result), encoding="utf-8")
        secrets = [
            {"id": c.id, "planted": c.planted, "bits": e.bits, "restored": e.restored}
            for c, e in zip(canaries, planted, strict=True)
            if e is not None
        ]
        told = {**result.as_json(), "secrets": secrets}
        (inside / "audit.json").write_text(json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        model = Path(config.model, MANIFEST_NAME)
        inputs = {"model": json.loads(model.read_text("utf-8")).get("self_sha256") if model.is_file() else None}
        write_manifest(inside, "audit", config=config, inputs=inputs)
    if config.write_card:
        readme = Path(config.model, "README.md")
        text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
        with atomic_file(readme) as stream:
            stream.write(with_card(text, card(result)))
    return result


def _planted(
    scorer: Scorer, canaries: list[Canary], config: AuditConfig, progress: Progress | None
) -> list[Exposure | None]:
    generator = np.random.default_rng([config.seed, 2])
    probes = [
        Probe(c.before, c.secret, c.after, other_secrets(c.secret, config.candidates, generator)) for c in canaries
    ]
    return exposures(scorer, probes, progress)


def _by_count(canaries: list[Canary], found: list[Exposure | None], config: AuditConfig) -> list[CountExposure]:
    groups: dict[int, list[Exposure]] = defaultdict(list)
    for canary, exposure in zip(canaries, found, strict=True):
        if exposure is not None:
            groups[canary.planted].append(exposure)
    generator = np.random.default_rng([config.seed, 3])
    control = [exposure.bits for exposure in groups.get(0, [])]
    rows = []
    for planted, group in sorted(groups.items()):
        bits = [exposure.bits for exposure in group]
        mean, low, high = bootstrap_mean(bits, resamples=config.resamples, generator=generator)
        restored = sum(exposure.restored for exposure in group)
        rows.append(CountExposure(planted, len(group), mean, low, high, restored, greater(bits, control)))
    if canaries and not control:
        logger.warning("no secret was planted 0 times: there is no control to compare with")
    return rows


def _by_kind(kinds: list[str], found: list[Exposure | None]) -> list[PiiRecall]:
    groups: dict[str, list[Exposure]] = defaultdict(list)
    for kind, exposure in zip(kinds, found, strict=True):
        if exposure is not None:
            groups[kind].append(exposure)
    rows = []
    for kind, group in sorted(groups.items()):
        restored = sum(exposure.restored for exposure in group)
        low, high = wilson(restored, len(group))
        bits = sum(exposure.bits for exposure in group) / len(group)
        rows.append(PiiRecall(kind, len(group), restored, low, high, bits))
    return rows
