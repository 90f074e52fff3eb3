"""The budget: which words of a row are chosen, in the order in which its units are taken."""

from __future__ import annotations

import numpy as np

from macbert.masking import counts as count
from macbert.masking.compiling import inner
from macbert.masking.taking import take_another_unit

_DRAWN_N, _UNITS_CUT, _FILL_WORDS = count.DRAWN_N, count.UNITS_CUT, count.FILL_WORDS
_DRAWN_REPLACED, _RETURNED_WORDS = count.DRAWN_REPLACED, count.RETURNED_WORDS


@inner
def choose_words(rules, tables, key, ids, units, taking, here):  # type: ignore[no-untyped-def]
    """Take units in random order until the budget is spent; return the number of words chosen, and what is left of
    the budget and of its part for words without a similar one.

    Nearly all is arithmetic: whether a word is a unit's first, or has a similar one, would be guessed wrong every time.
    """
    size, unit_tokens, unit_drawn = taking.size[here], taking.unit_tokens[here], taking.unit_drawn[here]
    lacks, sizes, counts = taking.lacks[here], taking.sizes[here], taking.counts
    counts[:] = 0
    may_lack = np.int64(not rules.hides)
    budget = rules.budgets[sizes[0]]
    left, fallback_left = np.int64(budget), np.int64(rules.fallback_caps[budget])
    number, words, known = np.uint64(0), np.uint64(0), np.uint64(sizes[3])
    # Whether a unit did not fit (0 or 1), and the words before which all fit; behind them, words are taken singly.
    filling, fitting = np.int64(0), np.uint64(0)
    while left > 0:
        if number == known:
            if sizes[2] == sizes[1]:
                break
            known = np.uint64(take_another_unit(rules, tables, key, ids, units, taking, here))
        tokens = np.int64(size[number])
        # The count for n = 0 is nobody's.
        counts[_DRAWN_N + (np.int64(unit_drawn[number]) & (filling - 1))] += 1
        if np.int64(unit_tokens[number]) & (filling - 1) > left:
            filling, fitting, together = np.int64(1), number, tokens
            counts[_UNITS_CUT] += 1
            while together <= left:
                fitting += np.uint64(1)
                together += size[fitting]
        single = filling & np.int64(number >= fitting)
        tried = np.int64(tokens <= left) | (single ^ 1)
        lacking = tried & may_lack & lacks[number]
        returned = lacking & np.int64(tokens > fallback_left)
        taken = tried & (returned ^ 1)
        fallback_left -= tokens & -(lacking & taken)
        left -= tokens & -taken
        counts[_RETURNED_WORDS] += returned
        counts[_FILL_WORDS] += single & taken
        taking.chosen[words] = number
        words += np.uint64(taken)
        number += np.uint64(1)
    counts[_DRAWN_REPLACED] = counts[_RETURNED_WORDS]
    return np.int64(words), left, fallback_left
