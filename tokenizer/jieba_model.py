"""jieba's dictionary and hidden Markov model as arrays, with a user's dictionary added by jieba's own rules."""

from __future__ import annotations

import math
import os
import string
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenizer.jieba_kernel import (
    DIGIT,
    HAN,
    LETTER,
    NO_WORD,
    OUTSIDE,
    PERCENT,
    POINT,
    SIGN,
    add_words,
    mark_unknown_spans,
    mark_words,
)
from tokenizer.user_words import UserWord

UNICODE_SIZE = 0x110000

# jieba 0.42.1, finalseg: a transition or emission that the model has not seen.
_UNSEEN = -3.14e100

_STATES = "BEMS"


class HiddenMarkovModel:
    """jieba's model of unknown words: (4,) start, (4, 4) transition, (4, code points) emission log-probabilities."""

    def __init__(self) -> None:
        jieba_library()
        from jieba.finalseg import emit_P, start_P, trans_P

        size = 1 + max(ord(char) for state in _STATES for char in emit_P[state])
        self.start = np.array([start_P[state] for state in _STATES])
        self.trans = np.array([[trans_P[old].get(new, _UNSEEN) for new in _STATES] for old in _STATES])
        # Only Han characters reach the model; the table ends where they do.
        self.emit = np.full((4, max(size, 0x9FD6)), _UNSEEN)
        for row, state in enumerate(_STATES):
            chars = [char for char in emit_P[state] if len(char) == 1]
            self.emit[row, [*map(ord, chars)]] = [emit_P[state][char] for char in chars]

    def recut(
        self,
        codes: NDArray[np.uint32],
        classes: NDArray[np.uint8],
        spans: NDArray[np.int64],
        starts: NDArray[np.bool_],
    ) -> None:
        """Cut spans (n, 2) of single characters anew: ``starts`` changes in place."""
        mark_unknown_spans(codes, classes, spans, self.start, self.trans, self.emit, starts)


class JiebaModel:
    """Everything that :func:`tokenizer.jieba_kernel.mark_words` reads."""

    def __init__(self, user_words: list[UserWord] | None = None) -> None:
        words, total = read_dictionary()
        values = [words[word] for word in words]
        if user_words:
            words = dict(words)
            for user_word, frequency in with_frequencies(user_words):
                words[user_word] = frequency
                total += frequency  # as jieba: a word added again counts twice in the total
            values = list(words.values())
        self.log_total, self.log_one = math.log(total), math.log(1)
        logs = {value: math.log(value) for value in set(values)}  # numpy's log may differ in the last bit
        texts = list(words)
        codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
        ends = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=ends[1:])
        size = 1 << int(2 * len(codes)).bit_length()
        self.keys = np.full(size, -1, np.int64)
        self.children = np.full(size, -1, np.int32)
        self.roots = np.full(UNICODE_SIZE, -1, np.int32)
        every = np.full(len(codes) + 1, NO_WORD)
        nodes = add_words(
            self.keys, self.children, self.roots, every, 1, codes, ends, np.array([logs[value] for value in values])
        )
        self.logs = every[:nodes].copy()
        self.hmm = hidden_markov_model()

    def starts(self, codes: NDArray[np.uint32], classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return (N,) bool: True where jieba's words begin."""
        starts = np.zeros(len(codes), np.bool_)
        mark_words(
            codes,
            classes,
            self.keys,
            self.children,
            self.roots,
            self.logs,
            self.log_total,
            self.log_one,
            self.hmm.start,
            self.hmm.trans,
            self.hmm.emit,
            starts,
        )
        return starts


@cache
def character_classes() -> NDArray[np.uint8]:
    """Return the class of every code point: what jieba's patterns tell apart (0 is outside its dictionary runs)."""
    table = np.full(UNICODE_SIZE, OUTSIDE, np.uint8)
    table[0x4E00:0x9FD6] = HAN
    for chars, kind in ((string.ascii_letters, LETTER), (string.digits, DIGIT), ("+#&_-", SIGN)):
        table[[*map(ord, chars)]] = kind
    table[ord(".")], table[ord("%")] = POINT, PERCENT
    return table


@cache
def jieba_model() -> JiebaModel:
    """Return the model without a user's words, loaded once a process."""
    return JiebaModel()


@cache
def hidden_markov_model() -> HiddenMarkovModel:
    """Return jieba's hidden Markov model, loaded once."""
    return HiddenMarkovModel()


@cache
def read_dictionary() -> tuple[dict[str, int], int]:
    """Return jieba's dictionary (word to frequency) and the sum of all its frequencies."""
    with jieba_library().Tokenizer().get_dict_file() as stream:
        fields = stream.read().decode("utf-8").split()
    assert len(fields) % 3 == 0, "each line of jieba's dictionary is a word, its frequency and its tag"
    frequencies = [*map(int, fields[1::3])]
    words = dict(zip(fields[0::3], frequencies, strict=True))
    return {word: frequency for word, frequency in words.items() if frequency}, sum(frequencies)


def with_frequencies(user_words: list[UserWord]) -> list[tuple[str, int]]:
    """Return the user's words with jieba's frequency where they give none: what makes jieba cut the word out."""
    if all(word.frequency is not None for word in user_words):
        return [(word.text, word.frequency) for word in user_words if word.frequency is not None]
    tokenizer = new_jieba()
    found = []
    for word in user_words:
        tokenizer.add_word(word.text, word.frequency)
        found.append((word.text, tokenizer.FREQ[word.text]))
    return found


@cache
def jieba_library() -> Any:
    """Return the jieba module with its log silent."""
    import jieba

    jieba.setLogLevel(30)
    return jieba


def new_jieba(user_words: list[UserWord] | None = None) -> Any:
    """Return a jieba tokenizer of our own with the user's words; its cache lies in the user's own folder."""
    tokenizer = jieba_library().Tokenizer()
    # jieba's default is a marshal file in the shared temporary folder, which any user could have written.
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "macbert-zh"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tokenizer.tmp_dir = str(folder)
        tokenizer.initialize()
    except OSError:  # a home that cannot be written: build it without keeping it
        with tempfile.TemporaryDirectory() as name:
            tokenizer.tmp_dir = name
            tokenizer.initialize()
    for word in user_words or []:
        tokenizer.add_word(word.text, word.frequency)
    return tokenizer
