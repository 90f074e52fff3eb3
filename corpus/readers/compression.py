"""Bytes of a plain or compressed file, as a stream that never holds more than a block."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import IO, Protocol, cast

import zstandard

from corpus.errors import UserError
from corpus.readers.records import TruncatedInput

SUFFIXES = (".gz", ".zst", ".xz", ".bz2")

_SHORT = {".tgz": ".gz", ".txz": ".xz", ".tbz2": ".bz2", ".tzst": ".zst"}
_MAX_ZSTD_WINDOW = 1 << 27  # 128 MiB: what `zstd --long=27` needs; larger windows are a memory attack.


class ByteStream(Protocol):
    """What readers need of a file: blocks of bytes, empty at its end."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def open_bytes(path: str | Path) -> ByteStream:
    """Open a file for reading, decompressed by its suffix.

    Reading raises :class:`TruncatedInput` where a compressed file is cut or damaged, after all data before that.
    """
    suffix = _SHORT.get(Path(path).suffix.lower(), Path(path).suffix.lower())
    raw = open(path, "rb")  # noqa: SIM115
    if suffix not in SUFFIXES:
        return raw
    return Capped(decompress(raw, suffix), str(path), Path(path).stat().st_size)


def read_bytes(path: str | Path) -> bytes:
    """Return the whole of a small file, decompressed by its suffix.

    Raises:
        UserError: a compressed file is cut or damaged, or unpacks to far more than text does.
    """
    stream = open_bytes(path)
    try:
        return b"".join(iter(lambda: stream.read(1 << 20), b""))
    except TruncatedInput as error:
        fix = "copy the file again"
        raise UserError.at(path, expected="a whole compressed file", found=str(error), fix=fix) from None
    finally:
        stream.close()


def decompress(raw: IO[bytes], suffix: str) -> ByteStream:
    """Return ``raw`` decompressed as its suffix says (``.gz``, ``.zst``, ``.xz``, ``.bz2``, else plain)."""
    if suffix == ".zst":
        return ZstdStream(raw)
    if suffix == ".gz":
        return _Guarded(cast(io.BufferedReader, gzip.GzipFile(fileobj=raw, mode="rb")), raw)
    if suffix == ".xz":
        return _Guarded(cast(io.BufferedReader, lzma.LZMAFile(raw)), raw)
    if suffix == ".bz2":
        return _Guarded(cast(io.BufferedReader, bz2.BZ2File(raw)), raw)
    return raw


class Capped:
    """Stops at a file that unpacks to far more than text ever does."""

    def __init__(self, stream: ByteStream, path: str, packed: int) -> None:
        self._stream, self._path, self._packed, self._unpacked = stream, path, packed, 0

    def read(self, size: int, /) -> bytes:
        block = self._stream.read(size)
        self._unpacked += len(block)
        check_ratio(self._path, self._packed, self._unpacked)
        return block

    def close(self) -> None:
        self._stream.close()


def check_ratio(where: str, packed: int, unpacked: int) -> None:
    """Raise where a file unpacks to far more than text ever does.

    Raises:
        UserError: over 100 MiB and 200 times its packed size; text is packed 3 to 10 times smaller.
    """
    if unpacked > 100 << 20 and unpacked > 200 * packed:
        found = f"{unpacked >> 20} MiB so far out of {packed >> 10} KiB"
        raise UserError.at(where, expected="packed text", found=f"{found}: a decompression bomb", fix="leave it out")


class _Guarded:
    """Gives what could be decompressed, then names the damage instead of one of five library errors."""

    def __init__(self, stream: io.BufferedReader, raw: IO[bytes]) -> None:
        self._stream, self._raw = stream, raw

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read1(size)  # read() would lose the good blocks before a bad one
        except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise TruncatedInput(str(error)) from None
        except OSError as error:
            if error.errno is not None:
                raise
            raise TruncatedInput(str(error)) from None

    def close(self) -> None:
        self._stream.close()
        self._raw.close()


class ZstdStream:
    """Zstandard frames, one after the other; unlike the library's reader it tells a cut file from a whole one."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
        self._frame = self._decompressor.decompressobj()
        self._inside = False
        self._ready = b""

    def read(self, size: int, /) -> bytes:
        while not self._ready:
            block = self._raw.read(1 << 17)
            if not block:
                if self._inside:
                    raise TruncatedInput("the Zstandard frame is not complete")
                return b""
            self._ready = self._feed(block)
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken

    def _feed(self, block: bytes) -> bytes:
        parts = []
        while block:
            if not self._inside:
                self._frame = self._decompressor.decompressobj()
                self._inside = True
            try:
                parts.append(self._frame.decompress(block))
            except zstandard.ZstdError as error:
                raise TruncatedInput(str(error)) from None
            block = b""
            if self._frame.eof:
                self._inside = False
                block = self._frame.unused_data
        return b"".join(parts)

    def close(self) -> None:
        self._raw.close()
