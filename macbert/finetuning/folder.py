"""The folder of a fine-tuned model: what transformers writes, the tokenizer, and ``task.json`` with the labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from corpus.errors import UserError
from macbert.finetuning.encoder import load_config, load_tokenizer
from macbert.finetuning.tasks import task_class
from macbert.finetuning.tasks.base import Task

TASK_NAME = "task.json"
SCHEMA_VERSION = 1

ZERO_SHOT_LENGTH = 256
"""Tokens of a window where nobody chose."""


@dataclass(frozen=True)
class FinetunedModel:
    """A task and its model, ready to predict."""

    task: Task
    """Labels, windows and decoding."""

    model: nn.Module
    """In evaluation mode."""


def save_finetuned(task: Task, model: nn.Module, folder: Path, more: dict[str, Any] | None = None) -> None:
    """Write the model, its tokenizer and ``task.json`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    task.save_model(model, folder)
    task.tokenizer.save_pretrained(folder)
    facts = {
        "schema_version": SCHEMA_VERSION,
        "task": task.name,
        "labels": task.labels,
        "max_length": task.max_length,
        "stride": task.stride,
        "options": task.options,
        **(more or {}),
    }
    (folder / TASK_NAME).write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    # safetensors writes its files for their owner alone; let them be read by whoever may read the others.
    mode = (folder / TASK_NAME).stat().st_mode & 0o777
    for path in folder.glob("*.safetensors"):
        path.chmod(mode)


def load_finetuned(folder: str, *, expected_task: str | None = None, device: str | None = None) -> FinetunedModel:
    """Load a fine-tuned model onto ``device`` (default: a GPU if there is one).

    Raises:
        UserError: no such folder, not fine-tuned by us, or for another task than expected.
    """
    import torch

    path = Path(folder) / TASK_NAME
    config = load_config(folder)
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if not path.is_file() and expected_task == "correct":
        return _untrained_corrector(folder, config, target)
    if not path.is_file():
        found = "a model folder without it"
        fix = "fine-tune it first: macbert finetune TASK"
        raise UserError.at(folder, expected=f"a fine-tuned model ({TASK_NAME})", found=found, fix=fix)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        version, name = facts["schema_version"], facts["task"]
        labels, max_length, stride = facts["labels"], facts["max_length"], facts["stride"]
        options = facts["options"]
    except (ValueError, KeyError, TypeError):
        raise UserError.at(path, expected="what fine-tuning wrote", found="something else", fix="restore it") from None
    if version > SCHEMA_VERSION:
        found = f"version {version}"
        raise UserError.at(path, expected=f"schema version <= {SCHEMA_VERSION}", found=found, fix="upgrade macbert-zh")
    if expected_task is not None and name != expected_task:
        fix = f"give a model that was fine-tuned for {expected_task}, or ask for {name}"
        raise UserError.at(folder, expected=f"a model for {expected_task}", found=f"one for {name}", fix=fix)
    tokenizer = load_tokenizer(folder, config, max_length)
    cls = task_class(name, options.get("head", "auto"))
    task = cls(tokenizer, labels, max_length=max_length, stride=stride, options=options)
    return FinetunedModel(task, task.load_model(folder).to(target).eval())


def _untrained_corrector(folder: str, config: Any, device: str) -> FinetunedModel:
    """Return a pretrained encoder's own head as a corrector; restoring replaced words is what it was trained for."""
    from macbert.finetuning.tasks.corrections import Corrections

    length = min(config.max_position_embeddings, ZERO_SHOT_LENGTH)
    task = Corrections.untrained(load_tokenizer(folder, config, length), length)
    weights = Path(folder) / "model.safetensors"
    if weights.is_file() and not any(name.startswith("cls.predictions.") for name in _weight_names(weights)):
        found = "none (an encoder alone)"
        fix = "give a pretraining run, or fine-tune first: macbert finetune correct"
        raise UserError.at(folder, expected="a masked-language-model head", found=found, fix=fix)
    return FinetunedModel(task, task.load_model(folder).to(device).eval())


def _weight_names(path: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(path, "pt") as weights:
        return list(weights.keys())
