"""CRC-32C (Castagnoli) of bytes, as TensorFlow's and LevelDB's files keep it beside what it is of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit

_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, bits reversed (RFC 3720, appendix B.4)."""

_MASK_DELTA = 0xA282EAD8
"""LevelDB's: a CRC of bytes that hold a CRC says little, so what is stored is rotated and moved by this."""


def _table() -> NDArray[np.uint32]:
    entries = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        entries = np.where(entries & 1, (entries >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), entries >> np.uint32(1))
    return entries


_TABLE = _table()


@njit()
def _crc(data: NDArray[np.uint8], table: NDArray[np.uint32]) -> np.uint32:
    value = np.uint32(0xFFFFFFFF)
    for byte in data:
        value = table[np.uint8(value) ^ byte] ^ (value >> np.uint32(8))
    return value ^ np.uint32(0xFFFFFFFF)


def crc32c(data: bytes | NDArray[np.uint8]) -> int:
    """Return the CRC of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    return int(_crc(np.frombuffer(data, np.uint8), _TABLE))


def masked_crc32c(data: bytes | NDArray[np.uint8]) -> int:
    """Return the CRC as it is stored."""
    value = crc32c(data)
    return ((value >> 15 | value << 17) + _MASK_DELTA) & 0xFFFFFFFF
