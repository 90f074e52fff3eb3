"""Zip and tar archives: members are streamed, never unpacked, and never trusted."""

from __future__ import annotations

import dataclasses
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, cast

from corpus.errors import UserError
from corpus.readers.compression import SUFFIXES, ByteStream, Capped, decompress, open_bytes
from corpus.readers.records import BadRecord, FileFacts, ReaderOptions, Record, TruncatedInput

MAX_MEMBERS = 1_000_000
MAX_BYTES = 1 << 40
_NESTED = (".zip", ".tar", ".tgz", ".7z", ".rar")

MemberReader = Callable[[str, ByteStream, ReaderOptions, FileFacts], Iterator[Record | BadRecord] | None]
"""Reads a member by its name; None where its format is not one that is read from a stream."""


def read_zip(
    path: Path, options: ReaderOptions, facts: FileFacts, read_member: MemberReader
) -> Iterator[Record | BadRecord]:
    """Yield the records of a zip archive's members in their order.

    Raises:
        UserError: a member that is encrypted, an archive itself, or named absolutely or through ``..``; too many
            members or bytes, or far more bytes than text unpacks to.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        yield BadRecord("truncated", "the zip archive is cut or damaged: its list of members is missing")
        return
    with archive:
        budget = _Budget(path)
        for info in archive.infolist():
            if info.is_dir():
                continue
            name = _zip_name(info)
            budget.admit(name)
            if info.flag_bits & 1:
                raise _refused(path, name, "an encrypted member", "give the archive without a password")
            with archive.open(info) as stream:
                raw = cast(IO[bytes], budget.counted(stream))
                inner = Capped(decompress(raw, _suffix(name)), f"{path}!{name}", info.compress_size)
                yield from _member(name, inner, options, facts, read_member)


def read_tar(
    path: Path, options: ReaderOptions, facts: FileFacts, read_member: MemberReader
) -> Iterator[Record | BadRecord]:
    """Yield the records of a tar archive's members (plain or compressed) in their order.

    Raises:
        UserError: as :func:`read_zip`; also for a link or a device.
    """
    stream = open_bytes(path)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
            budget = _Budget(path)
            for info in archive:
                if info.isdir():
                    continue
                budget.admit(info.name)
                if not info.isfile():
                    raise _refused(path, info.name, "a link or device", "make the archive of plain files")
                opened = archive.extractfile(info)
                assert opened is not None
                raw = cast(IO[bytes], budget.counted(opened))
                inner = Capped(decompress(raw, _suffix(info.name)), f"{path}!{info.name}", info.size)
                yield from _member(info.name, inner, options, facts, read_member)
    except (tarfile.TarError, TruncatedInput) as error:
        yield BadRecord("truncated", f"the archive is cut or damaged: {error}")
    finally:
        stream.close()


def _member(
    name: str, stream: ByteStream, options: ReaderOptions, facts: FileFacts, read_member: MemberReader
) -> Iterator[Record | BadRecord]:
    records = read_member(name, stream, options, facts)
    for record in records if records is not None else ():
        yield dataclasses.replace(record, member=name)


class _Budget:
    """Refuses members that no honest archive of text has."""

    def __init__(self, path: Path) -> None:
        self._path, self._members, self._bytes = path, 0, 0

    def admit(self, name: str) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise _refused(self._path, name, f"more than {MAX_MEMBERS} members", "divide the archive")
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or (len(name) > 1 and name[1] == ":"):
            raise _refused(self._path, name, "a path out of the archive", "make the archive with relative paths")
        if name.lower().endswith(_NESTED) or ".tar." in name.lower():
            raise _refused(self._path, name, "an archive inside the archive", "unpack the inner one first")

    def counted(self, stream: IO[bytes]) -> _Counted:
        return _Counted(stream, self._count)

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MAX_BYTES:
            raise _refused(self._path, "", f"more than {MAX_BYTES} bytes unpacked", "divide the archive")


class _Counted:
    """A member's bytes, counted against the archive's budget."""

    def __init__(self, stream: IO[bytes], count: Callable[[int], None]) -> None:
        self._stream, self._count = stream, count

    def read(self, size: int = -1, /) -> bytes:
        try:
            block = self._stream.read(size)
        except (zipfile.BadZipFile, EOFError, tarfile.TarError) as error:
            raise TruncatedInput(str(error)) from None
        self._count(len(block))
        return block

    read1 = read

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()


def _refused(path: Path, name: str, found: str, fix: str) -> UserError:
    return UserError.at(f"{path}!{name}", expected="plain files of text", found=found, fix=fix)


def _suffix(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; without the UTF-8 flag Chinese names are GBK that Python reads as code page 437."""
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename
