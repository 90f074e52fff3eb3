"""Arrays that compiled code finds by their address: one array of addresses is handed over instead of many arrays.

Numba takes some 0.15 microseconds for each array that it is given: as long as the tokens of a whole title. The arrays
behind the addresses must outlive their use; whoever makes an address keeps the array.
"""

from __future__ import annotations

import numpy as np
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from corpus.compiling import njit


def address_of(array: NDArray) -> int:
    """Return the address of an array's first item; the array must be contiguous."""
    assert array.flags.c_contiguous
    return int(array.ctypes.data)


@intrinsic
def _pointer(typing_context, address):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


@njit(nogil=True, inline="always")
def int8_at(address, size):  # type: ignore[no-untyped-def]
    """Return the int8 array of this size at an address."""
    return carray(_pointer(address), size, np.int8)  # type: ignore[call-arg]


@njit(nogil=True, inline="always")
def int32_at(address, size):  # type: ignore[no-untyped-def]
    """Return the int32 array of this size at an address."""
    return carray(_pointer(address), size, np.int32)  # type: ignore[call-arg]


@njit(nogil=True, inline="always")
def int64_at(address, size):  # type: ignore[no-untyped-def]
    """Return the int64 array of this size at an address."""
    return carray(_pointer(address), size, np.int64)  # type: ignore[call-arg]


@njit(nogil=True, inline="always")
def uint8_at(address, size):  # type: ignore[no-untyped-def]
    """Return the uint8 array of this size at an address."""
    return carray(_pointer(address), size, np.uint8)  # type: ignore[call-arg]


@njit(nogil=True, inline="always")
def uint16_at(address, size):  # type: ignore[no-untyped-def]
    """Return the uint16 array of this size at an address."""
    return carray(_pointer(address), size, np.uint16)  # type: ignore[call-arg]


@njit(nogil=True, inline="always")
def uint32_at(address, size):  # type: ignore[no-untyped-def]
    """Return the uint32 array of this size at an address."""
    return carray(_pointer(address), size, np.uint32)  # type: ignore[call-arg]


@njit(nogil=True, inline="always")
def uint64_at(address, size):  # type: ignore[no-untyped-def]
    """Return the uint64 array of this size at an address."""
    return carray(_pointer(address), size, np.uint64)  # type: ignore[call-arg]
