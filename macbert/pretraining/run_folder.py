"""The run's own folder: claimed at the start, finished at the end."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.errors import UserError
from corpus.files import MANIFEST_NAME, atomic_file, atomic_folder, fsync_path
from corpus.manifest import canonical_json, write_manifest
from corpus.outputs import own_output
from macbert.modeling.loading import PretrainingModel, quiet_transformers
from macbert.pretraining.checkpoints import remove_leftovers
from macbert.pretraining.config import PretrainConfig
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    import torch

RECORD_NAME = "run.json"


def check_run_folder(config: PretrainConfig) -> Path:
    """Return the run's folder if a run may begin or go on there; nothing is written.

    Raises:
        UserError: somebody else's files are there, or ``--resume never`` and a run is.
    """
    folder = Path(config.output)
    if not (folder / RECORD_NAME).is_file():
        return own_output(folder, "run")
    if config.resume == "never":
        fix = "choose an empty --output, or go on with --resume auto"
        raise UserError.at(folder, expected="an empty folder (--resume never)", found="a run", fix=fix)
    return folder


def claim_run_folder(config: PretrainConfig) -> None:
    """Make the run's folder, remove what killed saves left in it, and record the configuration."""
    folder = Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    with atomic_file(folder / RECORD_NAME) as stream:
        json.dump(json.loads(canonical_json(config)), stream, ensure_ascii=False, indent=2)
        stream.write("\n")


def save_model(
    model: PretrainingModel,
    tokenizer: ChineseTokenizer,
    folder: Path,
    weights: dict[str, torch.Tensor] | None = None,
) -> None:
    """Write config.json, model.safetensors and the tokenizer's files, as plain transformers reads them.

    Args:
        model: without wrappers.
        tokenizer: of its ids.
        folder: where to.
        weights: all of them by name, tied ones once, where the model itself holds only a part of each.
    """
    with quiet_transformers():
        model.save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)


def write_final_model(
    folder: Path,
    model: PretrainingModel,
    tokenizer: ChineseTokenizer,
    weights: dict[str, torch.Tensor] | None = None,
    *,
    config: Any,
    inputs: Any,
    **more: Any,
) -> None:
    """Put the final model into the run's folder; its manifest, over these files, comes last."""
    (folder / MANIFEST_NAME).unlink(missing_ok=True)
    staged = folder / ".final.tmp"
    with atomic_folder(staged) as temporary:
        save_model(model, tokenizer, temporary, weights)
        write_manifest(temporary, "run", config=config, inputs=inputs, **more)
    for path in sorted(staged.iterdir()):
        if path.name != MANIFEST_NAME:
            os.replace(path, folder / path.name)
    fsync_path(folder)
    os.replace(staged / MANIFEST_NAME, folder / MANIFEST_NAME)
    fsync_path(folder)
    shutil.rmtree(staged)
