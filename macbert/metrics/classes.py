"""Classes of texts and pairs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from macbert.metrics.counts import Counts, Scores


def score_classes(gold: Sequence[str], predicted: Sequence[str]) -> Scores:
    """Score one class a text: ``accuracy`` (primary), ``macro_f1``, ``matthews`` (R_K for more than two classes).

    ``macro_f1`` is the plain mean over the classes of gold and predictions together, as in scikit-learn; a class that
    is never predicted has F1 0.

    >>> score_classes(["好", "好", "坏"], ["好", "坏", "坏"]).metrics["accuracy"]
    0.6666666666666666
    """
    labels = sorted(set(gold) | set(predicted))
    right = Counter(a for a, b in zip(gold, predicted, strict=True) if a == b)
    in_gold, in_predicted = Counter(gold), Counter(predicted)
    per_type = {label: Counts(right[label], in_predicted[label], in_gold[label]) for label in labels}
    total, correct = len(gold), sum(right.values())
    metrics = {
        "accuracy": correct / total if total else 0.0,
        "macro_f1": sum(counts.f1 for counts in per_type.values()) / len(labels) if labels else 0.0,
        "matthews": _matthews(total, correct, in_gold, in_predicted),
    }
    return Scores("accuracy", metrics, per_type, total)


def score_label_sets(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Scores:
    """Score any number of classes a text: ``micro_f1`` (primary), ``macro_f1`` over the gold's classes,
    ``exact_match`` of the whole set."""
    per_type: dict[str, Counts] = {}
    exact = 0
    for right, found in zip(gold, predicted, strict=True):
        right_set, found_set = set(right), set(found)
        exact += right_set == found_set
        for label in right_set | found_set:
            counts = Counts(label in right_set and label in found_set, label in found_set, label in right_set)
            per_type[label] = per_type.get(label, Counts()) + counts
    micro = sum(per_type.values(), Counts())
    in_gold = [counts.f1 for counts in per_type.values() if counts.gold]
    metrics = {
        **micro.as_metrics("micro"),
        "macro_f1": sum(in_gold) / len(in_gold) if in_gold else 0.0,
        "exact_match": exact / len(gold) if gold else 0.0,
    }
    return Scores("micro_f1", metrics, dict(sorted(per_type.items())), len(gold))


def _matthews(total: int, correct: int, gold: Counter[str], predicted: Counter[str]) -> float:
    """Gorodkin's R_K from the margins of the confusion table; 0 where a margin is constant, as in scikit-learn."""
    both = sum(gold[label] * predicted[label] for label in gold)
    spread_gold = total**2 - sum(count**2 for count in gold.values())
    spread_predicted = total**2 - sum(count**2 for count in predicted.values())
    scale = math.sqrt(spread_gold * spread_predicted)
    return (correct * total - both) / scale if scale else 0.0
