"""Which folders may be opened: those of the command line, by the names that the page shows, and nothing else.

A name that a browser sends is looked up, never joined to a path: "../../etc" is a name that nothing has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import MANIFEST_NAME
from macbert.exporting.facts import TASK_NAME
from macbert.studio.config import StudioConfig

DEPTH = 4
"""Levels below --root that are looked at."""

MOST = 500
"""Folders of ours that --root may hold; more would make no list to choose from."""


@dataclass(frozen=True)
class Place:
    """A folder that may be opened."""

    name: str
    """As the page shows it: the path as it was given, or below --root."""

    path: Path
    kinds: frozenset[str]
    """What it is good for: corpus, words (a tokenizer), run (a log), encoder (a pretrained head), model (a task),
    correcting (a spelling model, or an encoder that does it untaught)."""

    task: str | None
    """Of a model: what it is for."""

    has_similar: bool
    """Whether its tokenizer has a table of similar words, which masking by strategy mac needs."""


class Places:
    """The folders of the command line.

    Raises:
        UserError: every folder that is not what its flag says.
    """

    def __init__(self, config: StudioConfig) -> None:
        self._root = None if config.root is None else Path(config.root)
        self._given: dict[str, Place] = {}
        problems = []
        if self._root is not None and not self._root.is_dir():
            found = "a file" if self._root.exists() else "nothing"
            problems.append(Problem(f"--root {self._root}", "a folder", found, "check the path"))
        for flag, expected, kinds, names in (
            ("--corpus", "a corpus folder (macbert corpus build)", {"corpus"}, config.corpus),
            ("--tokens", "a folder with a tokenizer", {"words"}, config.tokens),
            ("--run", "a run", {"run", "encoder"}, config.run),
            ("--model", "a fine-tuned or exported model, or an encoder", {"model", "encoder"}, config.model),
        ):
            for name in names:
                place = look_at(Path(name), name)
                if place.kinds & kinds:
                    self._given[name] = place
                    continue
                found = "another folder" if Path(name).is_dir() else "a file" if Path(name).exists() else "nothing"
                problems.append(Problem(f"{flag} {name}", expected, found, "check the path"))
        if problems:
            raise UserError(*problems)

    def all(self) -> dict[str, Place]:
        """Return every place by its name; --root is looked through anew, so that a run that has begun appears."""
        found = dict(self._given)
        if self._root is not None:
            found |= {place.name: place for place in look_through(self._root)}
        return found

    def of(self, kind: str, tasks: tuple[str, ...] | None = None) -> list[str]:
        """Return the names of the places of a kind, models only of some tasks; those with similar words come first."""
        found = [
            place
            for place in self.all().values()
            if kind in place.kinds and (tasks is None or place.task is None or place.task in tasks)
        ]
        return [place.name for place in sorted(found, key=lambda place: kind == "words" and not place.has_similar)]

    def find(self, kind: str, name: Any) -> Place:
        """Return the place of a name.

        Raises:
            UserError: no place of that kind has this name.
        """
        place = self.all().get(name) if isinstance(name, str) else None
        if place is None or kind not in place.kinds:
            fix = "choose one of the list; what may be opened was said when the studio was started"
            raise UserError.at("folder", expected=f"one of the {kind} folders", found="another name", fix=fix)
        return place


def look_through(root: Path) -> Iterator[Place]:
    """Yield the folders of ours under a root, in order; what lies inside one of them is its own business."""
    found = 0
    waiting = [(root, 0)]
    while waiting and found < MOST:
        folder, depth = waiting.pop()
        name = folder.relative_to(root).as_posix()
        place = look_at(folder, root.name or str(root) if name == "." else name)
        if place.kinds:
            found += 1
            yield place
            continue
        if depth == DEPTH:
            continue
        try:
            with os.scandir(folder) as entries:
                below = [e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]
        except OSError:
            continue
        waiting += [(folder / name, depth + 1) for name in sorted(below, reverse=True)]


def look_at(path: Path, name: str) -> Place:
    """Say what a folder is good for, by the files in it."""
    kinds = set()
    task = None
    made = _json(path / MANIFEST_NAME).get("kind")
    if made == "corpus":
        kinds.add("corpus")
    # Token documents keep their tokenizer inside; another folder with a folder of that name is none of ours.
    if (path / "vocab.txt").is_file() or made == "tokens":
        kinds.add("words")
    if (path / "log.jsonl").is_file() or (path / "run.json").is_file():
        kinds.add("run")
    if (path / TASK_NAME).is_file():
        task = str(_json(path / TASK_NAME).get("task"))
        kinds |= {"model"} if task != "encoder" else set()
        kinds |= {"correcting"} if task == "correct" else set()
    elif (path / "config.json").is_file() and any(path.glob("*.safetensors")):
        kinds |= {"encoder", "correcting"}
    has_similar = any((folder / "similar.safetensors").is_file() for folder in (path, path / "tokenizer"))
    return Place(name, path, frozenset(kinds), task, has_similar)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
