"""Random numbers as pure functions of a key and a counter: nothing is stored, so any row can be masked at any time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit

# splitmix64 (Steele, Lea and Flood 2014): a counter times the golden ratio, through a mixer of full avalanche.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = (np.uint64(n) for n in (27, 30, 31, 32))

# What a key is for: the same (seed, epoch, number) must give independent draws to each purpose.
MASKS, ORDER, SENTENCE_ORDER = 1, 2, 3


@njit(nogil=True, inline="always")
def mix(bits):  # type: ignore[no-untyped-def]
    """Return 64 well-mixed bits of 64 bits."""
    bits = (bits ^ (bits >> _S30)) * _MIX_1
    bits = (bits ^ (bits >> _S27)) * _MIX_2
    return bits ^ (bits >> _S31)


@njit(nogil=True, inline="always")
def draw(key, counter):  # type: ignore[no-untyped-def]
    """Return the 64 random bits of a key at a counter."""
    return mix(key + (np.uint64(counter) + np.uint64(1)) * GOLDEN)


@njit(nogil=True, inline="always")
def below(bits, bound):  # type: ignore[no-untyped-def]
    """Return a whole number in [0, bound); bound < 2**32, each number's probability off by less than 2**-32."""
    return np.int64(((bits >> _S32) * np.uint64(bound)) >> _S32)


@njit(nogil=True)
def row_key(seed, epoch, number, purpose):  # type: ignore[no-untyped-def]
    """Return the key of (seed, epoch, number) for a purpose."""
    return number_key(epoch_key(seed, epoch, purpose), number)


@njit(nogil=True)
def epoch_key(seed, epoch, purpose):  # type: ignore[no-untyped-def]
    """Return what the keys of all numbers have in common."""
    key = mix(np.uint64(purpose) * GOLDEN)
    key = mix(key + np.uint64(seed) * GOLDEN)
    return mix(key + np.uint64(epoch) * GOLDEN)


@njit(nogil=True, inline="always")
def number_key(key, number):  # type: ignore[no-untyped-def]
    """Return the key of a number, given that of its epoch."""
    return mix(key + np.uint64(number) * GOLDEN)


@njit(nogil=True)
def row_keys(seed, epoch, numbers, purpose) -> NDArray[np.uint64]:  # type: ignore[no-untyped-def]
    """Return the keys of many numbers, (B,) uint64."""
    keys = np.empty(len(numbers), np.uint64)
    common = epoch_key(seed, epoch, purpose)
    for place in range(len(numbers)):
        keys[place] = number_key(common, numbers[place])
    return keys
