"""How the inner functions of the kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import intrinsic

from corpus.compiling import njit

# For functions called for every word, which make no array. Numba counts references to each array at every call, by an
# atomic operation of some 20 cycles; ``_nrt=False`` leaves that out, and the calls themselves are compiled away: with
# similar words, masking runs 1.6 times as fast (2.9 instead of 4.6 microseconds for a row of 128).
inner = njit(nogil=True, forceinline=True, _nrt=False)

# For functions written in the compiler's own terms. Their first parameter is the compiler's, not the caller's.
instruction: Callable[[Callable[..., Any]], Any] = intrinsic
