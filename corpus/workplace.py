"""The hidden folder beside the output where a build keeps finished parts, so that a killed one goes on where it was."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpus.errors import UserError
from corpus.files import atomic_file
from corpus.manifest import config_hash


@contextlib.contextmanager
def workplace(output: Path, plan: dict[str, Any]) -> Iterator[Path]:
    """Yield ``.<output>.work``, emptied first unless it was left by a killed build with the same plan.

    It is removed at the end, and on any error but an interruption (Ctrl-C and the like), after which the finished parts
    serve the next build.

    Raises:
        UserError: another build into the same output is running.
    """
    folder = output.parent / f".{output.name}.work"
    with only_build(output):
        wanted = {"plan_sha256": config_hash(plan)}
        if _read_plan(folder) != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with atomic_file(folder / "plan.json") as stream:
                json.dump(wanted, stream)
        try:
            yield folder
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        else:
            shutil.rmtree(folder, ignore_errors=True)


def remove_workplace(output: Path) -> None:
    """Remove what a build left that was killed after its output was in place.

    Raises:
        UserError: another build into the same output is running.
    """
    with only_build(output):
        shutil.rmtree(output.parent / f".{output.name}.work", ignore_errors=True)


@contextlib.contextmanager
def only_build(output: Path) -> Iterator[None]:
    """Hold the output's lock, and remove half-made folders of builds that were killed.

    Raises:
        UserError: another build into the same output is running.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    lock_path = output.parent / f".{output.name}.lock"
    with open(lock_path, "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fix = "wait for it, or choose another --output"
            raise UserError.at(output, expected="one build at a time", found="a build is running", fix=fix) from None
        try:
            _remove_leftovers(output)
            yield
        finally:
            lock_path.unlink(missing_ok=True)


def _read_plan(folder: Path) -> dict[str, Any] | None:
    try:
        plan: dict[str, Any] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plan


def _remove_leftovers(output: Path) -> None:
    """Remove temporary folders of builds that were killed while they put the output in its place."""
    for left in output.parent.glob(f".{output.name}.????????.tmp"):
        shutil.rmtree(left, ignore_errors=True)
    for old in output.parent.glob(f".{output.name}.????????.old"):
        if output.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(output)
