"""The ``manifest.json`` that is written last into every folder we make, and read first by whoever uses it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.files import MANIFEST_NAME, atomic_file, sha256_file

SCHEMA_VERSION = 1

_RECORDED_PACKAGES = ("macbert-zh", "torch", "transformers", "tokenizers", "datasets", "pyarrow", "numba", "rjieba")


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces; dataclasses become objects, paths become strings."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain)


def config_hash(config: Any) -> str:
    """Return the SHA-256 of a configuration's canonical JSON, the same for equal configurations on any machine."""
    return hashlib.sha256(canonical_json(config).encode()).hexdigest()


def write_manifest(
    folder: str | Path,
    kind: str,
    *,
    config: Any,
    inputs: Mapping[str, Any],
    rows: Mapping[str, int] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Write ``folder/manifest.json`` over every file now in the folder, and return it.

    Args:
        folder: a finished folder; nothing may be written to it afterwards.
        kind: ``corpus``, ``tokenizer``, ``tokens``, ``checkpoint`` or ``run``.
        config: the whole configuration (a dataclass or mapping); its hash is stored beside it.
        inputs: what it was made from, by name: SHA-256 of files or of other manifests.
        rows: rows of a file, by its path inside the folder.
        more: further JSON values, stored under their own names.
    """
    folder = Path(folder)
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256_file(path),
            **({"rows": rows[name]} if rows and (name := path.relative_to(folder).as_posix()) in rows else {}),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST_NAME and not path.name.endswith(".tmp")
    }
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "config": json.loads(canonical_json(config)),
        "config_sha256": config_hash(config),
        "inputs": dict(inputs),
        "files": files,
        "versions": package_versions(),
        **more,
    }
    manifest = json.loads(canonical_json(manifest))
    manifest["self_sha256"] = config_hash(manifest)
    with atomic_file(folder / MANIFEST_NAME) as stream:
        json.dump(manifest, stream, ensure_ascii=False, indent=2, default=_plain)
        stream.write("\n")
    return manifest


def read_manifest(folder: str | Path, kind: str) -> dict[str, Any]:
    """Return the manifest of a folder that must be of this kind.

    Raises:
        UserError: no folder, no manifest (never finished), another kind, or a newer schema version.
    """
    folder = Path(folder)
    path = folder / MANIFEST_NAME
    expected = f"a {kind} folder with {MANIFEST_NAME}"
    if not path.is_file():
        found = "a folder without it" if folder.is_dir() else "a file" if folder.exists() else "nothing"
        fix = "check the path, or run the command that makes it again (an interrupted one leaves no manifest)"
        raise UserError.at(folder, expected=expected, found=found, fix=fix)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError.at(path, expected="JSON", found="something else", fix="make the folder again") from None
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        found = f"a {manifest.get('kind')} folder" if isinstance(manifest, dict) else "no manifest of ours"
        raise UserError.at(folder, expected=expected, found=found, fix=f"give a {kind} folder here")
    # The manifest vouches for the files; this vouches for the manifest, against a flipped bit or a hand edit.
    own = manifest.get("self_sha256")
    if own is not None and own != config_hash({key: value for key, value in manifest.items() if key != "self_sha256"}):
        raise UserError.at(path, expected=f"SHA-256 {own[:16]}", found="changed text", fix="make the folder again")
    if not isinstance(manifest.get("schema_version"), int) or not isinstance(manifest.get("files"), dict):
        raise UserError.at(path, expected="schema_version and files", found="none", fix="make the folder again")
    if manifest["schema_version"] > SCHEMA_VERSION:
        found = f"version {manifest['schema_version']}"
        raise UserError.at(path, expected=f"schema version <= {SCHEMA_VERSION}", found=found, fix="upgrade macbert-zh")
    return manifest


def manifest_sha256(folder: str | Path) -> str:
    """Return what identifies a folder's contents: the SHA-256 over its files' hashes, the same on any machine."""
    manifest = json.loads((Path(folder) / MANIFEST_NAME).read_text(encoding="utf-8"))
    return config_hash({name: entry["sha256"] for name, entry in manifest["files"].items()})


def verify_manifest(folder: str | Path, kind: str, *, only: Callable[[str], bool] = lambda name: True) -> list[Problem]:
    """Return every way in which a folder's files differ from its manifest; an empty list is a sound folder.

    Args:
        folder: one of ours.
        kind: what it must be.
        only: which files to look at, by their path inside the folder.
    """
    folder = Path(folder)
    problems = []
    for name, entry in read_manifest(folder, kind)["files"].items():
        if not only(name):
            continue
        path = folder / name
        again = "restore the file or make the folder again"
        if not path.is_file():
            problems.append(Problem(str(path), f"{entry['bytes']} bytes", "no file", again))
        elif path.stat().st_size != entry["bytes"]:
            problems.append(Problem(str(path), f"{entry['bytes']} bytes", f"{path.stat().st_size} bytes", again))
        elif (found := sha256_file(path)) != entry["sha256"]:
            problems.append(Problem(str(path), f"SHA-256 {entry['sha256'][:16]}", found[:16], again))
    return problems


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages whose changes could change our output."""
    versions = {"python": platform.python_version()}
    for name in _RECORDED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} does not belong in JSON")
