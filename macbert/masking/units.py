"""The kernels that find the words of a row and join them to units.

No branch depends on a token or a draw: whether a token begins a word, or a word a unit, is a coin that a processor
guesses wrong 40 times in a row of 128, and a wrong guess costs as much as four tokens.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from macbert.masking.compiling import inner
from macbert.masking.draws import draw
from macbert.masking.marks import EDGE, TEXT, WORD
from macbert.masking.tables import KIND_BITS, NEVER, ORDINARY, SYMBOL

_TEXT, _WORD, _ONE, _TWO = np.uint8(TEXT), np.uint8(WORD), np.uint8(1), np.uint8(2)

_ORDINARY, _SYMBOL, _NEVER = (((1 << KIND_BITS) - 1) << kind * KIND_BITS for kind in (ORDINARY, SYMBOL, NEVER))
_EDGES = 3 * KIND_BITS

_S32 = np.uint64(32)


class RowUnits(NamedTuple):
    """Words and units of a few rows, G at a time; a row of L slots has at most L words and L units.

    Words tile the row: each [CLS], [SEP] and [PAD] is one too, which is never chosen.
    """

    word_first: NDArray[np.int32]
    """(G, L + 1) first position of each word; behind the last, L."""

    word_sum: NDArray[np.uint64]
    """(G, L + 1) what :func:`macbert.masking.tables.row_word_hash` needs: the running sum at the word's first place."""

    drawn: NDArray[np.int32]
    """(G, L + 1) for each word, how many words are drawn for a unit that begins with it; an edge may leave it fewer."""

    first: NDArray[np.int32]
    """(G, L + 1) first word of each unit."""

    end: NDArray[np.int32]
    """(G, L + 2) the word behind each unit, that of the first unit being at 1."""


class RowWords(NamedTuple):
    """What is known of a row's words until they are joined to units."""

    starts: NDArray[np.uint8]
    """(L,) WORD where a position begins a word, and EDGE where a sentence or segment begins there."""

    kinds: NDArray[np.int64]
    """(L + 1,) tokens of each kind before a word, KIND_BITS for each kind; above them, the edges."""

    choosable: NDArray[np.int64]
    """(L + 1,) at the next place, -1 if a word may be chosen, otherwise 0."""

    alone: NDArray[np.int64]
    """(L,) -1 if a word cannot be in the unit of the word before it, otherwise 0."""

    bits: NDArray[np.int64]
    """(L + 1,) 32 random bits for the unit that begins with this word."""


@inner
def find_words(rules, classes, marks, ids, words, word_first, word_sum):  # type: ignore[no-untyped-def]
    """Write the words of a row; return how many there are, and how many tokens are text."""
    length, starts, kinds, powers = len(ids), words.starts, words.kinds, rules.powers
    by_token = np.uint8(WORD * rules.by_token)
    starts[0] = WORD | (marks[0] & _TEXT) * EDGE
    # Small whole numbers only, and no index computed: the processor works on 64 positions at a time.
    for place in range(1, length):
        mark = marks[place]
        no_text, behind_gap = ~mark & _TEXT, ~marks[place - 1] & _TEXT
        edge = (mark & _TEXT) & (behind_gap | (mark >> _TWO))
        starts[place] = (edge << _TWO) | ((no_text | edge) << _ONE) | by_token | (mark & _WORD)
    tokens = np.int64(0)
    for place in range(length):
        tokens += marks[place] & _TEXT
    found, kind, total = np.uint64(0), np.int64(0), np.uint64(0)
    for place in range(length):
        # The place behind the last word is written too, and again when a word begins there.
        word_first[found], word_sum[found], kinds[found] = place, total, kind
        found += np.uint64((starts[place] & _WORD) >> _ONE)
        token = np.uint64(ids[place])
        kind += np.int64(1) << np.int64(classes[token])
        kind += np.int64(starts[place] >> _TWO) << _EDGES
        total += token * powers[place]
    word_first[found], word_sum[found], kinds[found] = length, total, kind
    return np.int64(found), tokens


@inner
def join_words(rules, key, found, words, word_first, drawn, first, end):  # type: ignore[no-untyped-def]
    """Cut a row's words into units from left to right and return their number; one draw a unit."""
    kinds, bits, choosable, alone = words.kinds, words.bits, words.choosable, words.alone
    for word in range(found):
        bits[word] = np.int64(draw(key, word_first[word]) >> _S32)
        drawn[word] = 1
    for number in range(len(rules.ngram_bounds)):
        bound = rules.ngram_bounds[number]
        for word in range(found):
            drawn[word] += bits[word] >= bound
    good = np.int64(_ORDINARY) | np.int64(_SYMBOL) * np.int64(rules.mask_punctuation)
    choosable[0] = 0
    for word in range(found):
        inside = kinds[word + 1] - kinds[word]
        # [UNK] as a label would teach nothing, so a word with one is never chosen, as one of only symbols.
        choosable[word + 1] = -(np.int64(inside & good != 0) & np.int64(inside & _NEVER == 0))
        alone[word] = -(inside >> _EDGES)
    for word in range(found):
        alone[word] |= ~choosable[word]
    # -1 has all bits set and 0 none: with these, arithmetic says if. Unsigned, for numba takes a signed index for one
    # that may count from the end.
    units = np.uint64(0)
    until = behind = np.int64(0)
    for word in range(found):
        here = choosable[word + 1]
        begins = ((until - 1 - word >> 63) | alone[word]) & here
        until ^= (until ^ (word + drawn[word])) & begins
        behind ^= (behind ^ (word + 1)) & here
        first[units] = word
        units += np.uint64(begins & 1)
        end[units] = behind
    return np.int64(units)
