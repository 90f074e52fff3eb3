"""Checkpoints that are whole or absent: written beside, hashed, flushed, renamed; verified before they are used."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from corpus.errors import UserError
from corpus.files import atomic_folder, fsync_path
from corpus.manifest import read_manifest, verify_manifest, write_manifest

logger = logging.getLogger(__name__)

KIND = "checkpoint"
STATE_NAME = "state.json"
OPTIMIZER_NAME = "optimizer.safetensors"

_NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Checkpoint:
    """A folder whose files have the sizes and hashes that its manifest says."""

    folder: Path
    step: int

    def state(self) -> dict[str, Any]:
        """Return the JSON state: step, fingerprint, counters."""
        return json.loads((self.folder / STATE_NAME).read_text(encoding="utf-8"))

    def optimizer(self) -> dict[str, torch.Tensor]:
        """Return the optimiser's tensors by ``<parameter>/<name>``."""
        return load_file(self.folder / OPTIMIZER_NAME)


def checkpoint_folder(run: str | Path, step: int) -> Path:
    """Return where the state after ``step`` steps is kept."""
    return Path(run) / f"checkpoint-{step}"


def save_checkpoint(
    run: str | Path,
    step: int,
    *,
    save_model: Callable[[Path], object],
    optimizer: Mapping[str, torch.Tensor],
    state: Mapping[str, Any],
    config: Any,
) -> Path:
    """Write ``run/checkpoint-<step>``: a kill at any moment leaves it whole or absent.

    Everything is written to a temporary folder beside; the manifest with the SHA-256 of each file comes last, every
    file and the folder are flushed to disk, the folder takes its name, and its parent is flushed.

    Args:
        run: the run's folder.
        step: steps done.
        save_model: writes config.json, model.safetensors and tokenizer files into a folder.
        optimizer: tensors by ``<parameter>/<name>``.
        state: JSON values, the fingerprint among them.
        config: the run's configuration, recorded in the manifest.
    """
    folder = checkpoint_folder(run, step)
    with atomic_folder(folder) as temporary:
        save_model(temporary)
        save_file(dict(optimizer), temporary / OPTIMIZER_NAME)
        (temporary / STATE_NAME).write_text(
            json.dumps(state, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )
        write_manifest(temporary, KIND, config=config, inputs=state["fingerprint"], step=step)
    return folder


def list_checkpoints(run: str | Path) -> list[tuple[int, Path]]:
    """Return step and folder of every checkpoint of a run, newest first; nothing is verified."""
    if not Path(run).is_dir():
        return []
    found = [
        (int(match[1]), path) for path in Path(run).iterdir() if (match := _NAME.fullmatch(path.name)) and path.is_dir()
    ]
    return sorted(found, reverse=True)


def newest_valid(run: str | Path) -> Checkpoint | None:
    """Return the newest checkpoint that verifies, or None if there is none at all; the log says which and why.

    Raises:
        UserError: there are checkpoints and every one is damaged.
    """
    candidates = list_checkpoints(run)
    for step, folder in candidates:
        try:
            problems = [str(problem) for problem in verify_manifest(folder, KIND)]
            if not problems and read_manifest(folder, KIND).get("step") != step:
                problems = [f"{folder}: its manifest is of another step"]
        except UserError as error:
            problems = [str(error)]
        except OSError as error:
            problems = [f"{folder}: {error}"]
        if not problems:
            rejected = sum(1 for other, _ in candidates if other > step)
            logger.info("going on from %s, the newest that verifies (%d newer rejected)", folder.name, rejected)
            return Checkpoint(folder, step)
        logger.warning("%s rejected: %s", folder.name, "; ".join(problems))
    if candidates:
        names = ", ".join(path.name for _, path in candidates)
        fix = "restore one from a copy, or start again in an empty --output"
        raise UserError.at(run, expected="a whole checkpoint", found=f"only damaged ones ({names})", fix=fix)
    return None


def rotate(run: str | Path, keep: int | None, every: int | None = None) -> None:
    """Remove all but the newest ``keep`` checkpoints; each leaves its name before any of its files goes.

    Those whose step is a multiple of ``every`` stay.
    """
    if keep is None:
        return
    for step, folder in list_checkpoints(run)[keep:]:
        if every and step % every == 0:
            continue
        doomed = folder.with_name(f".{folder.name}.removed.tmp")
        shutil.rmtree(doomed, ignore_errors=True)
        os.rename(folder, doomed)
        fsync_path(folder.parent)
        shutil.rmtree(doomed, ignore_errors=True)


def remove_leftovers(run: str | Path) -> None:
    """Remove the temporary folders and files that killed saves left in a run's folder."""
    for path in Path(run).glob(".*"):
        if path.suffix in (".tmp", ".old"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
