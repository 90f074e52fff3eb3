"""What the user named as input, as files with their formats and fingerprints."""

from __future__ import annotations

import difflib
import glob
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.errors import Problem, UserError
from corpus.files import MANIFEST_NAME, sha256_file
from corpus.manifest import read_manifest
from corpus.readers.compression import SUFFIXES
from corpus.readers.formats import FORMATS, InputFile, format_of, source_name
from corpus.readers.hub import PREFIX, hub_files, is_saved_dataset, saved_files
from corpus.readers.parts import parts_of
from corpus.standard_input import STDIN

if TYPE_CHECKING:
    from corpus.presets import StepSpec

log = logging.getLogger(__name__)

_KNOWN = f"a file named {', '.join('.' + name for name in FORMATS)} (text formats also with {' '.join(SUFFIXES)})"


def find_inputs(paths: list[str]) -> list[InputFile]:
    """Return the files to read, sorted by source name and content, so that the order given does not matter.

    A folder gives every file of a known format in it (a corpus folder of ours: its shards); a pattern its matches.

    Raises:
        UserError: listing every path that is missing, unreadable, of unknown format, or given twice.
    """
    problems: list[Problem] = []
    files: dict[str, InputFile] = {}
    for given in paths:
        for file in _expand(given, problems):
            real = os.path.realpath(file.path)
            if real in files:
                problems.append(Problem(file.path, "each file once", "the same file again", "name it once"))
            files[real] = file
    if problems:
        raise UserError(*problems)
    return list(files.values())


def fingerprint(files: list[InputFile]) -> tuple[list[tuple[InputFile, str]], list[str]]:
    """Return the files that hold any bytes with their SHA-256, in the order of the corpus, and the names of the others.

    Raises:
        UserError: all of them are empty.
    """
    held = without_empty(files)
    empty = [file for file in files if file not in held]
    for file in empty:
        log.warning("%s: an empty file, skipped", file.path)
    hashed = [(file, sha256_file(file.path)) for file in held]
    return sorted(hashed, key=lambda pair: (pair[0].source, pair[1], pair[0].path)), sorted(f.source for f in empty)


def without_empty(files: list[InputFile]) -> list[InputFile]:
    """Return the files that hold any bytes.

    Raises:
        UserError: all of them are empty.
    """
    held = [file for file in files if os.path.getsize(file.path) > 0]
    if not held:
        raise UserError(
            *(Problem(file.path, "documents", "an empty file", "check how the file was made") for file in files)
        )
    return held


def check_local(paths: list[str]) -> None:
    """Raise a UserError where an input is not here yet (standard input, a data set of the hub)."""
    if fetched := [path for path in paths if path == STDIN or path.startswith(PREFIX)]:
        fix = "save it to files first, or leave --dry-run out"
        raise UserError.at("--input", expected="files that are here", found=", ".join(fetched), fix=fix)


def divided(files: Iterable[InputFile], txt_unit: str, part_bytes: int) -> list[InputFile]:
    """Return the files in the same order, each large one in parts (see ``corpus.readers.parts``)."""
    return [
        replace(file, part=part) for file in files for part in parts_of(file.path, file.format, txt_unit, part_bytes)
    ]


def inputs_sha256(files: list[tuple[InputFile, str]]) -> str:
    """Return one SHA-256 over names and contents of all inputs."""
    digest = hashlib.sha256()
    for file, sha in files:
        digest.update(f"{file.source}\0{file.format}\0{sha}\n".encode())
    return digest.hexdigest()


def setting_fingerprints(steps: Iterable[StepSpec]) -> dict[str, str]:
    """Return the SHA-256 of every file that a step's settings name, by name (a folder's files each)."""
    found: dict[str, str] = {}
    for spec in steps:
        for value in spec.settings.values():
            for item in value if isinstance(value, list) else [value]:
                path = Path(item) if isinstance(item, str) else None
                if path is None or not path.exists():
                    continue
                for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                    if file.is_file():
                        found[f"{spec.name}: {file.relative_to(path.parent)}"] = sha256_file(file)
    return found


def _expand(given: str, problems: list[Problem]) -> Iterator[InputFile]:
    path = Path(given)
    if given.startswith(PREFIX):
        for file in hub_files(given):
            yield InputFile(str(file), "arrow", given.removeprefix(PREFIX).split(":")[0])
    elif path.is_dir():
        yield from _folder(path, problems)
    elif path.is_file():
        name = format_of(path)
        if name is None:
            close = difflib.get_close_matches(path.suffix[1:].lower(), FORMATS, 1)
            fix = f"did you mean .{close[0]}? rename it" if close else "convert it, or give it the suffix of its format"
            problems.append(Problem(given, _KNOWN, f"{path.suffix or 'no suffix'}", fix))
            return
        yield _file(path, name)
    elif glob.has_magic(given):
        found = sorted(glob.glob(given, recursive=True))
        if not found:
            problems.append(Problem(given, "files that match the pattern", "none", "check the pattern"))
        for match in found:
            yield from _expand(match, problems)
    else:
        near = difflib.get_close_matches(path.name, _names_in(path.parent), 1)
        fix = f"did you mean {path.parent / near[0]}?" if near else "check the path"
        problems.append(Problem(given, "a file or folder", "nothing there", fix))


def _file(path: Path, name: str) -> InputFile:
    manifest = path.parent / MANIFEST_NAME
    ours = name == "parquet" and manifest.is_file() and '"kind": "corpus"' in manifest.read_text(encoding="utf-8")
    return InputFile(str(path), name, source_name(path), ours)


def _folder(folder: Path, problems: list[Problem]) -> Iterator[InputFile]:
    if (folder / MANIFEST_NAME).is_file():
        read_manifest(folder, "corpus")
        for path in sorted(folder.glob("part-*.parquet")):
            yield InputFile(str(path), "parquet", source_name(path), ours=True)
        return
    if is_saved_dataset(folder):
        for path in saved_files(folder):
            yield InputFile(str(path), "arrow", folder.name)
        return
    found = False
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if (name := format_of(path)) is None:
            log.warning("%s: not a format that is read, skipped", path)
            continue
        found = True
        yield _file(path, name)
    if not found:
        problems.append(Problem(str(folder), _KNOWN, "no such file in the folder", "check the folder"))


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder)]
    except OSError:
        return []
