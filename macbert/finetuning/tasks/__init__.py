"""The tasks by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from macbert.finetuning.tasks.base import Task

_HOME = {
    ("classify", "auto"): "classify:Classify",
    ("correct", "auto"): "corrections:Corrections",
    ("event", "auto"): "events:Events",
    ("mrc", "auto"): "reading:Reading",
    ("relation", "auto"): "relations:Relations",
    ("ner", "auto"): "token_labels:TokenLabels",
    ("ner", "bio"): "token_labels:TokenLabels",
    ("ner", "crf"): "crf_labels:CrfLabels",
    ("ner", "pointer"): "pointer_names:PointerNames",
}


def task_class(task: str, head: str = "auto") -> type[Task]:
    """Return the class of a task and, for ``ner``, of a head."""
    module, name = _HOME[task, head].split(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
