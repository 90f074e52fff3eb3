"""The rules of a masking as the kernels read them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from macbert.masking.config import MacMasking


class Rules(NamedTuple):
    """A :class:`MacMasking` as the kernel reads it."""

    ngram_bounds: NDArray[np.int64]
    """Cumulative probabilities of n = 1, 2, ... without the last, which is 1; probabilities are in units of 2**-32."""

    budgets: NDArray[np.int64]
    """Budget of a row of so many tokens, (L + 1,)."""

    fallback_caps: NDArray[np.int64]
    """Fall-back tokens allowed for a budget, (L + 1,)."""

    replaced_below: int
    random_below: int
    top_k: int
    hides: bool
    by_token: bool
    mask_punctuation: bool
    mask_id: int


def masking_rules(masking: MacMasking, length: int, mask_id: int) -> Rules:
    """Return the rules for rows of at most ``length`` tokens."""
    replaced = masking.mask_replace_prob if masking.hides else masking.similar_replace_prob
    return Rules(
        ngram_bounds=np.array([*map(_drawn_below, np.cumsum(masking.ngrams)[:-1])], np.int64),
        budgets=np.array([masking.budget(tokens) for tokens in range(length + 1)], np.int64),
        fallback_caps=np.array([masking.fallback_cap(budget) for budget in range(length + 1)], np.int64),
        replaced_below=0 if masking.strategy == "random" else _drawn_below(replaced),
        random_below=_drawn_below(replaced + masking.random_replace_prob),
        top_k=masking.top_k,
        hides=masking.hides,
        by_token=masking.strategy == "mlm",
        mask_punctuation=masking.mask_punctuation,
        mask_id=mask_id,
    )


def _drawn_below(probability: float) -> int:
    """Return the bound that 32 random bits are below with this probability."""
    return math.ceil(probability * 2**32)
