"""TensorFlow's checkpoint files (``NAME.index`` and ``NAME.data-00000-of-00001``), read and written without TensorFlow.

The index is a table of LevelDB's form: sorted keys in blocks, each block with a type byte and a masked CRC-32C, and a
footer of 48 bytes. Its values are protocol buffers: the first of the whole (key ""), then one a variable with type,
shape, shard, offset, size and CRC (tensorflow/core/protobuf/tensor_bundle.proto). The data files are the raw numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError
from macbert.exporting.crc32c import masked_crc32c

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
    19: np.dtype("<f2"),
}
"""DataType numbers of tensorflow/core/framework/types.proto: those that BERT's checkpoints hold."""


@dataclass(frozen=True)
class Variable:
    """Where a variable's numbers stand."""

    type: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int


class TfCheckpoint:
    """A checkpoint by its prefix (``chinese_macbert_base.ckpt``).

    Raises:
        UserError: files that are missing, cut off or damaged, or of another form.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self._index = prefix.with_name(f"{prefix.name}.index")
        try:
            entries = dict(_table_entries(self._index.read_bytes()))
            header = _fields(entries.pop(b""))
            self._shards = int(header.get(1, 1))
            self.variables = {key.decode(): _variable(value) for key, value in entries.items()}
            sound = header.get(2, 0) == 0
        except (ValueError, KeyError, IndexError, struct.error, UnicodeDecodeError):
            sound = False
        if not sound:
            fix = "download it again, or name another checkpoint"
            found = "a damaged file, or one of another form"
            raise UserError.at(self._index, expected="the index of a TensorFlow checkpoint", found=found, fix=fix)

    def read(self, name: str) -> NDArray[Any]:
        """Return a variable's numbers, their CRC checked (some 400 MB a second).

        Raises:
            UserError: the data file is missing, cut off or damaged, or the type is not one of BERT's.
        """
        variable = self.variables[name]
        path = self.prefix.with_name(f"{self.prefix.name}.data-{variable.shard:05d}-of-{self._shards:05d}")
        if not path.is_file():
            raise UserError.at(path, expected="the checkpoint's numbers", found="no file", fix="put it beside .index")
        if variable.type not in _TYPES:
            found, fix = f"type {variable.type} for {name}", "save it as float32 with TensorFlow"
            raise UserError.at(path, expected="float or integer numbers", found=found, fix=fix)
        if path.stat().st_size < variable.offset + variable.size:
            found = f"{path.stat().st_size:,} bytes, and {name} ends at {variable.offset + variable.size:,}"
            raise UserError.at(path, expected="a whole file", found=found, fix="download it again")
        raw: NDArray[Any] = (
            np.memmap(path, np.uint8, "r", variable.offset, (variable.size,)) if variable.size else np.zeros(0, "u1")
        )
        if masked_crc32c(raw) != variable.crc:
            raise UserError.at(path, expected=f"{name} as its CRC says", found="other bytes", fix="download it again")
        return raw.view(_TYPES[variable.type]).reshape(variable.shape)


def write_checkpoint(prefix: Path, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Write float32 variables as a checkpoint of one shard."""
    entries = [(b"", _varint_field(1, 1) + _bytes_field(3, _varint_field(1, 1)))]
    offset = 0
    with prefix.with_name(f"{prefix.name}.data-00000-of-00001").open("wb") as stream:
        for name in sorted(tensors, key=str.encode):
            data = np.ascontiguousarray(tensors[name], "<f4").tobytes()
            dims = b"".join(_bytes_field(2, _varint_field(1, size)) for size in tensors[name].shape)
            value = _varint_field(1, 1) + _bytes_field(2, dims)
            # Zeros are left out, as protocol buffers have it.
            value += (_varint_field(4, offset) if offset else b"") + _varint_field(5, len(data))
            value += b"\x35" + struct.pack("<I", masked_crc32c(data))
            entries.append((name.encode(), value))
            stream.write(data)
            offset += len(data)
    with prefix.with_name(f"{prefix.name}.index").open("wb") as stream:
        place = 0

        def block(content: bytes) -> bytes:
            nonlocal place
            handle = _varint(place) + _varint(len(content))
            whole = content + b"\0"
            stream.write(whole + struct.pack("<I", masked_crc32c(whole)))
            place += len(whole) + 4
            return handle

        data_handle = block(_block(entries))
        meta_handle = block(_block([]))
        index_handle = block(_block([(entries[-1][0], data_handle)]))
        stream.write((meta_handle + index_handle).ljust(40, b"\0") + struct.pack("<Q", _MAGIC))


def _table_entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of a LevelDB table."""
    footer = table[-_FOOTER:]
    if struct.unpack("<Q", footer[40:])[0] != _MAGIC:
        raise ValueError("no table")
    place = _read_varint(footer, _read_varint(footer, 0)[1])[1]
    for _, handle in _block_entries(_read_block(table, footer[place:])):
        yield from _block_entries(_read_block(table, handle))


def _read_block(table: bytes, handle: bytes) -> bytes:
    offset, place = _read_varint(handle, 0)
    size, _ = _read_varint(handle, place)
    whole = table[offset : offset + size + 1]
    if masked_crc32c(whole) != struct.unpack_from("<I", table, offset + size + 1)[0]:
        raise ValueError("damaged")
    if whole[-1] != 0:
        raise ValueError("compressed")
    return whole[:-1]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = len(block) - 4 - 4 * int(struct.unpack("<I", block[-4:])[0])
    place, key = 0, b""
    while place < end:
        shared, place = _read_varint(block, place)
        more, place = _read_varint(block, place)
        size, place = _read_varint(block, place)
        key = key[:shared] + block[place : place + more]
        place += more
        yield key, block[place : place + size]
        place += size


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Return a block whose keys are all written out: every entry is a point to start at."""
    content, starts = b"", []
    for key, value in entries:
        starts.append(len(content))
        content += b"\0" + _varint(len(key)) + _varint(len(value)) + key + value
    starts = starts or [0]
    return content + struct.pack(f"<{len(starts) + 1}I", *starts, len(starts))


def _variable(value: bytes) -> Variable:
    found = _fields(value)
    dims = [_fields(dim).get(1, 0) for dim in _all_fields(found.get(2, b""), 2)]
    shape = tuple(int(size) for size in dims)
    kind, shard, offset, size, crc = (int(found.get(field, 0)) for field in (1, 3, 4, 5, 6))
    return Variable(kind, shape, shard, offset, size, crc)


def _fields(message: bytes) -> dict[int, Any]:
    """Return a protocol buffer's fields by number; of one that is there again, the last."""
    return dict(_each_field(message))


def _all_fields(message: bytes, number: int) -> list[bytes]:
    return [value for field, value in _each_field(message) if field == number]


def _each_field(message: bytes) -> Iterator[tuple[int, Any]]:
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        value: Any
        if tag & 7 == 0:
            value, place = _read_varint(message, place)
        elif tag & 7 == 2:
            size, place = _read_varint(message, place)
            value, place = message[place : place + size], place + size
        elif tag & 7 == 5:
            value, place = struct.unpack_from("<I", message, place)[0], place + 4
        else:
            raise ValueError("unknown field")
        yield tag >> 3, value


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value
