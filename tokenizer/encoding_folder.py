"""The folder that encoding works in, and how finished shards become the output: resumable, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from corpus.files import atomic_file
from tokenizer.heldout import HELDOUT
from tokenizer.token_files import write_dataset_files

DONE = "done.json"


def prepare(partial: Path, plan_hash: str) -> None:
    """Keep the finished shards of an interrupted run of the same plan; clear away everything else."""
    for stale in partial.parent.glob(f"{partial.name.removesuffix('.partial')}.*.tmp"):
        shutil.rmtree(stale, ignore_errors=True)
    record = partial / "plan.json"
    if not record.is_file() or record.read_text(encoding="utf-8") != plan_hash:
        shutil.rmtree(partial, ignore_errors=True)
        with atomic_file(record) as stream:
            stream.write(plan_hash)


def link_finished(output: Path, partial: Path, entries: list[dict[str, Any]]) -> None:
    """Take over shards of an earlier output, as its manifest lists them, that are not there yet."""
    for entry in entries:
        folder = partial / entry["sha256"]
        if is_finished(folder):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        for part, home in (("train", output), (HELDOUT, output / HELDOUT)):
            _link(home / file_name(entry["sha256"]), folder / f"{part}.arrow")
        with atomic_file(folder / DONE) as stream:
            json.dump({key: value for key, value in entry.items() if key != "sha256"}, stream)


def is_finished(folder: Path) -> bool:
    """Return whether a shard's job ended."""
    return (folder / DONE).is_file()


def assemble(folder: Path, partial: Path, shas: list[str], results: list[dict[str, Any]], vocab_size: int) -> None:
    """Make the output of finished shards: training files at the root, reserved ones in ``heldout``."""
    for part, home in (("train", folder), (HELDOUT, folder / HELDOUT)):
        home.mkdir(exist_ok=True)
        for sha in shas:
            _link(partial / sha / f"{part}.arrow", home / file_name(sha))
        write_dataset_files(home, [file_name(s) for s in shas], [r[part]["sha256"] for r in results], vocab_size)


def file_name(sha: str) -> str:
    """Return the name of a shard's token file."""
    return f"data-{sha[:16]}.arrow"


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
