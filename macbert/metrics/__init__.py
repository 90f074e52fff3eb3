"""Scores of every task, each under a name that says its rule (never imports torch)."""

from __future__ import annotations

from macbert.metrics.classes import score_classes, score_label_sets
from macbert.metrics.counts import Counts, Scores
from macbert.metrics.spans import score_entities

__all__ = ["Counts", "Scores", "score_classes", "score_entities", "score_label_sets"]
