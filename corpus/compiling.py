"""Numba whose cache notices a change in whatever a kernel is made of.

Numba compiles the functions and constants that a kernel uses into the kernel, but throws a cached kernel away only when
the kernel's own file changes: after an update a kernel could go on with the old code of another file, and give other
numbers. Here a kernel is kept in a folder that is named after the text of its file and of every file that this imports.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

_IMPORT = re.compile(r"^from (\S+) import (.+)$", re.MULTILINE)


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return ``numba.njit(cache=True, ...)`` with a cache that is told apart by :func:`source_stamp`.

    Kernels are kept beside the code, or below ``~/.cache/macbert-zh`` where that cannot be written; a folder that the
    user names by ``NUMBA_CACHE_DIR`` is taken instead.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        chosen = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        numba.config.CACHE_DIR = str(_kernel_folder(Path(function.__code__.co_filename), chosen))  # type: ignore[attr-defined]
        try:
            return numba.njit(cache=True, **options)(function)
        finally:
            numba.config.CACHE_DIR = chosen  # type: ignore[attr-defined]

    return compiled


@functools.cache
def source_stamp(path: Path) -> str:
    """Return a name for the text of a file and of all that it imports from the top level of its own packages.

    Args:
        path: a module inside the folder of a package that has an ``__init__.py``.
    """
    root = path.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    found: dict[Path, str] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file], imported = _read(file, root)
            waiting += imported
    digest = hashlib.sha256()
    for file in sorted(found):
        digest.update(f"{file.relative_to(root).as_posix()}\n{found[file]}\n".encode())
    return digest.hexdigest()[:16]


@functools.cache
def _read(file: Path, root: Path) -> tuple[str, list[Path]]:
    """Return the text of a module, and the modules below ``root`` that it imports."""
    text, places = file.read_text(encoding="utf-8"), []
    for module, names in _IMPORT.findall(text):
        base = root.joinpath(*module.split("."))
        places += [base, *(base / name.strip(" ()") for name in names.split(","))]
    return text, [place.with_suffix(".py") for place in places if place.with_suffix(".py").is_file()]


@functools.cache
def _kernel_folder(path: Path, chosen: str) -> Path:
    name, stamp = f"kernels-{path.stem}", source_stamp(path)
    if chosen:
        return Path(chosen) / f"{name}-{stamp}"
    if not os.access(path.parent, os.W_OK):
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return home / "macbert-zh" / f"{name}-{stamp}"
    folder = path.parent / "__pycache__" / f"{name}-{stamp}"
    if not folder.exists():
        # Here, and only here, no other checkout or version can want the old ones.
        for old in folder.parent.glob(f"{name}-*"):
            shutil.rmtree(old, ignore_errors=True)
    return folder
