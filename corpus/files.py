"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from corpus.errors import UserError

MANIFEST_NAME = "manifest.json"


def sha256_file(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, read in 1 MiB blocks."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fsync_path(path: str | Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path`` that takes its name only when the block ends without an error.

    Text is UTF-8 with ``\\n`` line ends. The file and its folder are flushed to disk before and after the rename.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text_options: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        os.fchmod(descriptor, 0o666 & ~_umask())
        with os.fdopen(descriptor, mode, **text_options) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    fsync_path(path.parent)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that takes its name only when the block ends without an error.

    An existing folder at ``path`` is replaced; call :func:`check_output` first to be sure that it may be.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    old = temporary.with_suffix(".old")
    try:
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                # safetensors makes files that only their owner may read.
                Path(folder, name).chmod(0o666 & ~_umask())
                fsync_path(Path(folder, name))
            fsync_path(folder)
        if path.exists():
            os.rename(path, old)
        os.rename(temporary, path)
    except BaseException:
        if old.exists() and not path.exists():
            os.rename(old, path)
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_path(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def read_text(path: str | Path, kind: str) -> str:
    """Return a text file that a user gave.

    Args:
        path: the file.
        kind: what it is, for the message (``"a rubric"``).

    Raises:
        UserError: no such file, or not UTF-8 (with the line).
    """
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise UserError.at(path, expected=f"a file with {kind}", found=found, fix="check the path")
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{path}:{data.count(bytes([10]), 0, error.start) + 1}"
        fix = "turn the file into UTF-8 (iconv -f GB18030 -t UTF-8 IN > OUT)"
        raise UserError.at(where, expected="UTF-8", found=f"byte 0x{data[error.start]:02X}", fix=fix) from None


def check_output(path: str | Path) -> Path:
    """Return ``path`` if a command may write its output folder there.

    Raises:
        UserError: it is a file or lies in one, a Python package (it holds ``__init__.py``), or a folder with files of
            somebody else's (not empty, and without our manifest).
    """
    path = Path(path)
    another = "choose another --output"
    if path.is_file():
        raise UserError.at(path, expected="a folder or nothing", found="a file", fix=another)
    _check_parent(path, another)
    if (path / "__init__.py").exists():
        raise UserError.at(path, expected="a folder for output", found="a Python package (__init__.py)", fix=another)
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST_NAME).is_file():
        found = "a folder with other files and no manifest.json of ours"
        raise UserError.at(path, expected="an empty or new folder", found=found, fix=f"{another}, or empty it")
    return path


def check_output_file(path: str | Path) -> Path:
    """Return ``path`` if a command may write a file there; an existing file is replaced.

    Raises:
        UserError: it is a folder, or lies in a file.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError.at(path, expected="a file or nothing", found="a folder", fix="give the name of a file")
    _check_parent(path, "choose another file")
    return path


def _check_parent(path: Path, fix: str) -> None:
    """Raise UserError if the nearest thing above ``path`` is not a folder."""
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise UserError.at(path, expected="a place in a folder", found=f"{above}, a file, above it", fix=fix)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
