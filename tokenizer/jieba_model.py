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

from corpus.errors import UserError
from tokenizer.jieba_kernel import (
    DIGIT,
    HAN,
    LETTER,
    MAX_CHARACTERS,
    MAX_NODES,
    NO_WORD,
    OUTSIDE,
    PERCENT,
    POINT,
    SIGN,
    add_words,
    mark_unknown_spans,
    mark_words,
    root_steps,
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
        codes, first, ends, frequencies = _dictionary_fields()
        users = with_frequencies(user_words) if user_words else []
        # As jieba: a word added again counts twice in the total.
        log_total = math.log(int(frequencies.sum()) + sum(frequency for _, frequency in users))
        user_codes = np.frombuffer("".join(word for word, _ in users).encode("utf-32-le"), np.uint32)
        size = int((ends - first).sum()) + len(user_codes)
        self.numbers = np.zeros(UNICODE_SIZE, np.int32)
        in_words = np.zeros(UNICODE_SIZE, np.bool_)
        in_words[codes], in_words[user_codes] = True, True
        known = np.flatnonzero(in_words)
        if size >= MAX_NODES or len(known) >= MAX_CHARACTERS:
            found = f"{size:,} characters with jieba's own, {len(known):,} different ones"
            expected = f"fewer than {MAX_NODES:,} and {MAX_CHARACTERS:,}"
            raise UserError.at("--user-dictionary", expected=expected, found=found, fix="leave out rare words")
        self.numbers[known] = np.arange(1, len(known) + 1)
        self.slots = np.full(2 << (size + size // 8).bit_length(), -1, np.int64)
        self.weights = self.slots.view(np.float64)
        nodes = 1
        user_ends = np.cumsum([len(word) for word, _ in users], dtype=np.int64)
        given = np.array([frequency for _, frequency in users], np.int64)
        for part, begins, stops, values in (
            (codes, first, ends, frequencies),
            (user_codes, np.append(0, user_ends)[:-1], user_ends, given),
        ):
            distinct, places = np.unique(values, return_inverse=True)
            # Python's logarithm, as jieba's: numpy's may differ in the last bit.
            logs = [math.log(value) - log_total if value else NO_WORD for value in distinct.tolist()]
            weights = np.array(logs, np.float64)[places]
            nodes = add_words(self.slots, self.weights, nodes, self.numbers[part], begins, stops, weights)
        self.nodes, self.root_weights = np.empty(len(known) + 1, np.int32), np.empty(len(known) + 1, np.float64)
        root_steps(self.slots, self.weights, self.nodes, self.root_weights)
        self.unknown = math.log(1) - log_total
        self.hmm = hidden_markov_model()

    def starts(self, codes: NDArray[np.uint32], classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return (N,) bool: True where jieba's words begin."""
        starts = np.zeros(len(codes), np.bool_)
        mark_words(
            codes, classes, self.numbers, self.slots, self.weights, self.nodes, self.root_weights, self.unknown,
            self.hmm.start, self.hmm.trans, self.hmm.emit, starts,
        )  # fmt: skip
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
    codes, first, ends, frequencies = _dictionary_fields()
    text = codes.tobytes().decode("utf-32-le")
    spans = zip(first.tolist(), ends.tolist(), frequencies.tolist(), strict=True)
    words = {text[start:end]: frequency for start, end, frequency in spans}
    return {word: frequency for word, frequency in words.items() if frequency}, int(frequencies.sum())


def _dictionary_fields() -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the code points of jieba's dictionary, where each word begins and ends in them, and its frequency.

    As arrays: split by Python, its million fields take a quarter of a second.
    """
    with jieba_library().Tokenizer().get_dict_file() as stream:
        codes = np.frombuffer(stream.read().decode("utf-8").encode("utf-32-le"), np.uint32)
    edges = np.flatnonzero(np.diff(codes > ord(" "), prepend=False, append=False))
    assert len(edges) % 6 == 0, "each line of jieba's dictionary is a word, its frequency and its tag"
    first, ends, digits, digits_end = edges[0::6], edges[1::6], edges[2::6], edges[3::6]
    frequencies = np.zeros(len(first), np.int64)
    for place in range(int((digits_end - digits).max(initial=0))):
        inside = digits + place < digits_end
        figure = codes[np.minimum(digits + place, len(codes) - 1)].astype(np.int64) - ord("0")
        assert ((figure >= 0) & (figure <= 9))[inside].all(), "a frequency of jieba's dictionary is a whole number"
        frequencies = np.where(inside, 10 * frequencies + figure, frequencies)
    return codes, first, ends, frequencies


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
