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
    """Words and units of a few rows, G at a time; a row of L slots has at most L words and L units, and room is for
    more.

    Words tile the row: each [CLS], [SEP] and [PAD] is one too, which is never chosen.
    """

    word_first: NDArray[np.int32]
    """(G, L + 1) first position of each word; behind the last, L."""

    drawn: NDArray[np.int32]
    """(G, L + 1) for each word, how many words are drawn for a unit that begins with it; an edge may leave it fewer."""

    first: NDArray[np.int32]
    """(G, L + 1) first word of each unit."""

    end: NDArray[np.int32]
    """(G, L + 2) the word behind each unit, that of the first unit being at 1."""


class RowWords(NamedTuple):
    """What is known of the words of two rows until they are joined to units."""

    starts: NDArray[np.uint8]
    """(L,) WORD where a word begins, and EDGE where a sentence or segment begins; of the row at hand."""

    kinds: NDArray[np.int64]
    """(L + 1,) tokens of each kind before a word, KIND_BITS for each kind, and above them edges; of the row at hand."""

    bits: NDArray[np.int64]
    """(L + 1,) 32 random bits for the unit that begins with a word; of the row at hand."""

    choosable: NDArray[np.int64]
    """(2, L + 1) -1 if a word may be chosen, otherwise, and behind the last word, 0."""

    alone: NDArray[np.int64]
    """(2, L + 1) -1 if a word cannot be in the unit of the word before it, otherwise 0."""


@inner
def find_words(rules, classes, marks, ids, words, word_first):  # type: ignore[no-untyped-def]
    """Write the words of a row; return how many there are, and how many tokens are text."""
    length, starts, kinds = len(ids), words.starts, words.kinds
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
    found, kind = np.uint64(0), np.int64(0)
    for place in range(length):
        # The place behind the last word is written too, and again when a word begins there.
        word_first[found], kinds[found] = place, kind
        found += np.uint64((starts[place] & _WORD) >> _ONE)
        kind += np.int64(1) << np.int64(classes[np.uint64(ids[place])])
        kind += np.int64(starts[place] >> _TWO) << _EDGES
    word_first[found], kinds[found] = length, kind
    return np.int64(found), tokens


@inner
def draw_units(rules, key, found, words, side, word_first, drawn):  # type: ignore[no-untyped-def]
    """Draw how many words a unit has that begins with a word, for each word of a row, and tell which may be in one."""
    kinds, bits, choosable, alone = words.kinds, words.bits, words.choosable[side], words.alone[side]
    for word in range(found):
        bits[word] = np.int64(draw(key, word_first[word]) >> _S32)
        drawn[word] = 1
    for number in range(len(rules.ngram_bounds)):
        bound = rules.ngram_bounds[number]
        for word in range(found):
            drawn[word] += bits[word] >= bound
    good = np.int64(_ORDINARY) | np.int64(_SYMBOL) * np.int64(rules.mask_punctuation)
    for word in range(found):
        inside = kinds[word + 1] - kinds[word]
        # [UNK] as a label would teach nothing, so a word with one is never chosen, as one of only symbols.
        choosable[word] = -(np.int64(inside & good != 0) & np.int64(inside & _NEVER == 0))
        alone[word] = -(inside >> _EDGES)
    choosable[found:] = 0
    for word in range(1, found):
        alone[word] |= ~choosable[word - 1]


@inner
def join_words(words, most, units, here):  # type: ignore[no-untyped-def]
    """Cut the words of two rows, ``most`` in the longer one, into units from left to right; return their numbers.

    Two rows at a time, for every word waits for what became of the one before it.
    """
    drawn, first, end = units.drawn, units.first, units.end
    one = two = np.uint64(0)
    one_until = two_until = one_behind = two_behind = np.int64(0)
    for word in range(most):
        one, one_until, one_behind = _join_word(
            word, one, one_until, one_behind, words.choosable[0, word], words.alone[0, word], drawn[here, word],
            first[here], end[here],
        )  # fmt: skip
        two, two_until, two_behind = _join_word(
            word, two, two_until, two_behind, words.choosable[1, word], words.alone[1, word], drawn[here + 1, word],
            first[here + 1], end[here + 1],
        )  # fmt: skip
    return np.int64(one), np.int64(two)


@inner
def _join_word(word, units, until, behind, choosable, alone, drawn, first, end):  # type: ignore[no-untyped-def]
    """Put a word into the unit before it or begin another; return the units, and for the last one the word that it is
    drawn to reach and the word behind its last."""
    # -1 has all bits set and 0 none: with these, arithmetic says if. Unsigned, for numba takes a signed index for one
    # that may count from the end.
    begins = ((until - 1 - word >> 63) | alone) & choosable
    until ^= (until ^ (word + drawn)) & begins
    behind ^= (behind ^ (word + 1)) & choosable
    first[units] = word
    units += np.uint64(begins & 1)
    end[units] = behind
    return units, until, behind
