"""Marks of tokens as bits, least significant first: the reading that kernels share."""

from __future__ import annotations

import numpy as np

from corpus.compiling import njit
from macbert.masking.compiling import inner
from macbert.masking.processor import trailing_zeros


@inner
def one_bit(bits, place):  # type: ignore[no-untyped-def]
    """Return the bit at a place."""
    return np.int64(bits[place >> 3]) >> (place & 7) & 1


@inner
def eight_bits(bits, place):  # type: ignore[no-untyped-def]
    """Return the eight bits from a place on; a byte may lie behind the last of them."""
    return ((np.int64(bits[place >> 3]) | np.int64(bits[(place >> 3) + 1]) << 8) >> (place & 7)) & 255


@inner
def _ones(byte):  # type: ignore[no-untyped-def]
    byte -= (byte >> 1) & 0x55
    byte = (byte & 0x33) + ((byte >> 2) & 0x33)
    return (byte + (byte >> 4)) & 15


@inner
def count_bits(bits, low, high):  # type: ignore[no-untyped-def]
    """Return how many of the bits ``low:high`` are set."""
    if low >= high:
        return np.int64(0)
    first, last = low >> 3, (high - 1) >> 3
    found = np.int64(0)
    for place in range(first, last + 1):
        byte = np.int64(bits[place])
        byte &= 255 << (low & 7) if place == first else 255
        byte &= 255 >> (7 - ((high - 1) & 7)) if place == last else 255
        found += _ones(byte)
    return found


@inner
def find_bit(bits, low, before):  # type: ignore[no-untyped-def]
    """Return the place of a set bit at ``low`` or later, so many set ones being before it."""
    place = low >> 3
    byte = np.int64(bits[place]) & (255 << (low & 7))
    while _ones(byte) <= before:
        before -= _ones(byte)
        place += 1
        byte = np.int64(bits[place])
    for _ in range(before):
        byte &= byte - 1
    return place * 8 + trailing_zeros(np.uint64(byte))


@njit(nogil=True)
def next_bit(bits, first, place, stop):  # type: ignore[no-untyped-def]
    """Return the first place in ``place:stop`` whose bit is set, places counted from the bit ``first`` on; or stop."""
    while place < stop:
        at = first + place
        rest = bits[at >> 3] >> (at & 7)
        if rest == 0:
            place += 8 - (at & 7)
            continue
        while rest & 1 == 0:
            rest >>= 1
            place += 1
        return min(place, stop)
    return stop
