"""``task.json`` of a fine-tuned model, read without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import UserError

TASK_NAME = "task.json"


@dataclass(frozen=True)
class TaskFacts:
    """What a fine-tuned model remembers of its task."""

    task: str
    """As on the command line; "encoder" where there is none."""

    labels: list[str]
    """What can be predicted, in the order of the head's outputs."""

    max_length: int
    """Tokens of a window, special ones included."""

    stride: int
    """Tokens that two windows of a long text share."""

    options: dict[str, Any]
    """What else decoding needs."""

    @property
    def schema_names(self) -> tuple[list[str], list[str]]:
        """What a schema may ask for by itself, and below another."""
        if self.task == "relation":
            types = {kind for pair in self.options["argument_types"].values() for kind in pair}
            return sorted(types), [label for label in self.labels if "/" not in label]
        if self.task == "event":
            return self.labels, sorted({role for _, role in self.options["cells"] if role})
        return self.labels, []


def read_facts(folder: Path) -> TaskFacts:
    """Read a folder's ``task.json``.

    Raises:
        UserError: no such file, or another form.
    """
    path = folder / TASK_NAME
    if not path.is_file():
        fix = "give a folder that macbert export wrote from a fine-tuned model"
        raise UserError.at(folder, expected=f"an exported model that reads texts ({TASK_NAME})", found="none", fix=fix)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return TaskFacts(**{name: facts[name] for name in TaskFacts.__dataclass_fields__})
    except (ValueError, KeyError, TypeError):
        raise UserError.at(path, expected="what fine-tuning wrote", found="something else", fix="restore it") from None
