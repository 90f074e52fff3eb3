"""Named stretches of text, scored in characters of the whole text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from macbert.annotations.schema import Entity, Example
from macbert.metrics.counts import Counts, Scores


def score_entities(gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
    """Score predicted entities against the whole gold of each text; nothing is cut off at a window.

    Rules: ``strict_span`` (primary): same start, end and type; ``boundary``: same start and end; ``surface``: same
    string and type, each counted once a text; ``strict_span_macro_f1``: mean of the F1 of the gold's types;
    ``cluener_f1``: CLUENER's official score, the mean over the gold's types of the F1 of surface sets, which is not
    what papers report. All others are micro averages. An entity that stands twice on one side counts once.

    Args:
        gold: texts with ``entities``.
        predicted: the same texts in the same order, with predicted ``entities``.
    """
    per_type: dict[str, Counts] = defaultdict(Counts)
    boundary = surface = Counts()
    for right, found in zip(gold, predicted, strict=True):
        for label, counts in _by_type(right.entities or (), found.entities or ()).items():
            per_type[label] += counts
        boundary += _overlap(*([(e.start, e.end) for e in x.entities or ()] for x in (right, found)))
        surface += _overlap(*([(x.slice(e), e.type) for e in x.entities or ()] for x in (right, found)))
    strict = sum(per_type.values(), Counts())
    in_gold = [counts.f1 for counts in per_type.values() if counts.gold]
    metrics = {
        **strict.as_metrics("strict_span"),
        "cluener_f1": _cluener(gold, predicted),
        "strict_span_macro_f1": sum(in_gold) / len(in_gold) if in_gold else 0.0,
        **boundary.as_metrics("boundary"),
        **surface.as_metrics("surface"),
    }
    return Scores("strict_span_f1", metrics, dict(sorted(per_type.items())), len(gold))


def _by_type(gold: Iterable[Entity], predicted: Iterable[Entity]) -> dict[str, Counts]:
    gold_keys, predicted_keys = {e.key for e in gold}, {e.key for e in predicted}
    totals = [Counter(key[2] for key in keys) for keys in (gold_keys & predicted_keys, predicted_keys, gold_keys)]
    return {label: Counts(*(total[label] for total in totals)) for label in {*totals[1], *totals[2]}}


def _cluener(gold: Sequence[Example], predicted: Sequence[Example]) -> float:
    per_type: dict[str, Counts] = defaultdict(Counts)
    for right, found in zip(gold, predicted, strict=True):
        pairs = [{(x.slice(e), e.type) for e in x.entities or ()} for x in (right, found)]
        for label in {kind for side in pairs for _, kind in side}:
            per_type[label] += _overlap(*([s for s, kind in side if kind == label] for side in pairs))
    in_gold = [counts.f1 for counts in per_type.values() if counts.gold]
    return sum(in_gold) / len(in_gold) if in_gold else 0.0


def _overlap(gold: Iterable[Hashable], predicted: Iterable[Hashable]) -> Counts:
    gold_set, predicted_set = set(gold), set(predicted)
    return Counts(len(gold_set & predicted_set), len(predicted_set), len(gold_set))
