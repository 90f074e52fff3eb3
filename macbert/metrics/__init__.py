"""Scores of every task, each under a name that says its rule (never imports torch)."""

from __future__ import annotations

from macbert.metrics.classes import score_classes, score_label_sets
from macbert.metrics.counts import Counts, Scores
from macbert.metrics.events import score_events
from macbert.metrics.reading import score_answers
from macbert.metrics.relations import score_relations
from macbert.metrics.spans import score_entities
from macbert.metrics.spelling import score_corrections

__all__ = [
    "Counts",
    "Scores",
    "score_answers",
    "score_classes",
    "score_corrections",
    "score_entities",
    "score_events",
    "score_label_sets",
    "score_relations",
]
