"""Spelling correction: the strict sentence rule, the lenient one that many tables use, characters, over-correction."""

from __future__ import annotations

from collections.abc import Sequence

from macbert.annotations.schema import Example
from macbert.metrics.counts import Counts, Scores


def score_corrections(gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
    """Score corrections; ``text`` is the source, ``target`` the right text (gold) or the corrected one (predicted).

    - ``sentence_correction`` (primary): of the sentences that were changed, those now wholly right (P); of the wrong
      sentences, those now wholly right (R).
    - ``sentence_detection``: the same, but the changed positions must be exactly the wrong ones, whatever stands there.
    - ``pycorrector_correction``: the lenient rule of pycorrector and Paddle, where a wrong fix of a wrong sentence is
      missing from P: only changed right sentences count against it. It is higher; do not compare it with the other.
    - ``character_detection``, ``character_correction``: positions, and positions with the right character.
    - ``over_correction_rate``: share of the right sentences that were changed.
    """
    totals = {name: Counts() for name in ("correction", "detection", "lenient", "spotted", "mended")}
    right_sentences = changed_right = 0
    for right, found in zip(gold, predicted, strict=True):
        target, answer = right.target or right.text, found.target or found.text
        wrong = _differences(right.text, target)
        changed = _differences(right.text, answer)
        perfect = bool(wrong) and answer == target
        totals["correction"] += Counts(perfect, bool(changed), bool(wrong))
        totals["detection"] += Counts(bool(wrong) and wrong == changed, bool(changed), bool(wrong))
        totals["lenient"] += Counts(perfect, perfect or (not wrong and bool(changed)), bool(wrong))
        totals["spotted"] += Counts(len(wrong & changed), len(changed), len(wrong))
        mended = {place for place in wrong & changed if answer[place] == target[place]}
        totals["mended"] += Counts(len(mended), len(changed), len(wrong))
        right_sentences += not wrong
        changed_right += not wrong and bool(changed)
    metrics = {
        **totals["correction"].as_metrics("sentence_correction"),
        **totals["detection"].as_metrics("sentence_detection"),
        **totals["lenient"].as_metrics("pycorrector_correction"),
        **totals["spotted"].as_metrics("character_detection"),
        **totals["mended"].as_metrics("character_correction"),
        "over_correction_rate": changed_right / right_sentences if right_sentences else 0.0,
    }
    return Scores("sentence_correction_f1", metrics, {"sentence": totals["correction"]}, len(gold))


def _differences(a: str, b: str) -> set[int]:
    return {place for place, (x, y) in enumerate(zip(a, b, strict=True)) if x != y}
