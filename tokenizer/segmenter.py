"""Word boundaries: jieba's own, the same in compiled code or from rjieba, characters, or any callable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError
from tokenizer.config import SegmenterName
from tokenizer.jieba_kernel import DIGIT, LETTER, OUTSIDE
from tokenizer.jieba_model import (
    JiebaModel,
    character_classes,
    hidden_markov_model,
    jieba_model,
    new_jieba,
    read_dictionary,
    with_frequencies,
)
from tokenizer.user_words import UserWord, read_user_words

BREAK = "。"


class Segmenter(Protocol):
    """Cuts texts into words."""

    name: str

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return (N,) bool over the characters of all texts, one after another: True where a word begins."""
        ...


def load_segmenter(
    segmenter: str | Callable[[str], Iterable[str]] = "compiled", user_dictionary: str | Path | None = None
) -> Segmenter:
    """Return the backend of a name, or one around a function ``text -> words``.

    Args:
        segmenter: ``compiled``, ``rjieba`` and ``jieba`` give the same words at different speed; ``char``; or any
            function.
        user_dictionary: words in jieba's format, for the three of them.

    Raises:
        UserError: the name is none of these, or the dictionary has bad lines (all listed).

    >>> words(load_segmenter(), "使用语言模型来预测下一个词的概率。")
    ['使用', '语言', '模型', '来', '预测', '下', '一个', '词', '的', '概率', '。']
    """
    user_words = read_user_words(user_dictionary) if user_dictionary is not None else []
    backends: dict[str, Callable[[list[UserWord]], Segmenter]] = {
        "compiled": CompiledSegmenter,
        "rjieba": RjiebaSegmenter,
        "jieba": JiebaSegmenter,
    }
    if isinstance(segmenter, str) and segmenter in backends:
        return backends[segmenter](user_words)
    if user_dictionary is not None:
        fix = "use compiled, rjieba or jieba, or leave it out"
        raise UserError.at("--user-dictionary", expected="a segmenter with one", found=str(segmenter), fix=fix)
    if callable(segmenter):
        return CallableSegmenter(segmenter)
    if segmenter == "char":
        return CharSegmenter()
    expected = ", ".join(get_args(SegmenterName))
    raise UserError.at("--segmenter", expected=f"one of {expected}", found=repr(segmenter), fix="give one of these")


def words(segmenter: Segmenter, text: str) -> list[str]:
    """Return the words of one text; joined they are the text."""
    places = [*np.flatnonzero(segmenter.starts([text])).tolist(), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


class CharSegmenter:
    """Every character is a word."""

    name = "char"

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return True for every character."""
        return np.ones(sum(map(len, texts)), np.bool_)


class CallableSegmenter:
    """Any function from a text to its words, in order; white space between words may be left out."""

    def __init__(self, cut: Callable[[str], Iterable[str]]) -> None:
        self._cut = cut
        self.name = getattr(cut, "__name__", type(cut).__name__)

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return where words begin; ValueError if a word is not found in the text at its place."""
        result = np.zeros(sum(map(len, texts)), np.bool_)
        base = 0
        for text in texts:
            place = 0
            for word in filter(None, self._cut(text)):
                start = text.find(word, place)
                if start < 0 or text[place:start].strip():
                    raise ValueError(f"segmenter {self.name!r} returned {word!r}, which does not follow in the text")
                result[base + place : base + start] = True  # skipped white space: each a word, as jieba has it
                result[base + start] = True
                place = start + len(word)
            if text[place:].strip():
                raise ValueError(f"segmenter {self.name!r} left out the text's end, {text[place : place + 20]!r}")
            result[base + place : base + len(text)] = True
            base += len(text)
        return result


class JiebaSegmenter:
    """jieba in precise mode with its hidden Markov model: the reference for word boundaries."""

    name = "jieba"

    def __init__(self, user_words: list[UserWord]) -> None:
        self._cut = new_jieba(user_words).cut

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return where jieba's words begin."""
        return _starts_of_words([word for text in texts for word in self._cut(text)])


class CompiledSegmenter:
    """jieba's algorithm and numbers in compiled code: the same boundaries, some fifty times faster."""

    name = "compiled"

    def __init__(self, user_words: list[UserWord]) -> None:
        self._user_words = user_words

    @cached_property
    def _model(self) -> JiebaModel:
        return JiebaModel(self._user_words) if self._user_words else jieba_model()

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return where jieba's words begin."""
        codes, inside = _join(texts)
        return self._model.starts(codes, character_classes()[codes])[inside]


class RjiebaSegmenter:
    """rjieba (jieba in Rust) held to jieba's boundaries.

    rjieba finds the dictionary's words; it differs from jieba in the rest, which is therefore cut here: it takes more
    characters for Chinese, joins Latin words over ``-``, ``.`` and ``_``, and rounds the hidden Markov model's
    probabilities. A word added again replaces its old frequency in rjieba's total but not in jieba's: a word that no
    text can hold makes the totals equal.
    """

    name = "rjieba"

    def __init__(self, user_words: list[UserWord]) -> None:
        import rjieba

        library = rjieba.Jieba() if user_words else rjieba
        self._cut, self._known = library.cut, library.has_word
        self._latin_words: set[str] = set()
        if user_words:
            known, _ = read_dictionary()
            again = 0
            for text, frequency in with_frequencies(user_words):
                library.add_word(text, frequency, "")
                again += known.get(text, 0)
            if again:
                library.add_word("\ue000\ue001", again, "")
            self._latin_words = {word.text for word in user_words if word.text.isascii() and word.text.isalnum()}
            if self._latin_words:
                # Without its hidden Markov model rjieba joins single Latin letters, so that a joined "AI" and a
                # dictionary word "AI" look the same.
                problem = f"Latin words such as {min(self._latin_words)!r}"
                fix = "use --segmenter compiled or jieba, or delete them"
                raise UserError.at("--user-dictionary", expected="words rjieba can tell", found=problem, fix=fix)

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return where jieba's words begin."""
        codes, inside = _join(texts)
        classes = character_classes()[codes]
        seen = np.where(classes != OUTSIDE, codes, np.uint32(ord(BREAK))).tobytes().decode("utf-32-le")
        pieces = self._cut(seen, False)
        lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
        ends = np.cumsum(lengths)
        first = ends - lengths
        # Single characters and joined Latin letters wait for the hidden Markov model, up to the next longer word.
        latin = np.cumsum(np.append(0, (classes == LETTER) | (classes == DIGIT)))
        waits = ((lengths == 1) | (latin[ends] - latin[first] == lengths)) & (classes[first] != OUTSIDE)
        edges = np.flatnonzero(np.diff(waits, prepend=False, append=False)).reshape(-1, 2)
        spans = np.stack([first[edges[:, 0]], ends[edges[:, 1] - 1]], 1)
        spans = spans[spans[:, 1] - spans[:, 0] > 1]
        known = [self._known(seen[start:end]) for start, end in spans.tolist()]
        starts = np.zeros(len(codes), np.bool_)
        starts[first] = True
        for start, end in spans[np.array(known, np.bool_)].tolist():
            starts[start:end] = True  # jieba cuts a word that its best path left single into characters
        hidden_markov_model().recut(codes, classes, spans[~np.array(known, np.bool_)], starts)
        starts[1:] &= ~((codes[1:] == 10) & (codes[:-1] == 13))  # jieba keeps \r\n as one word
        return starts[inside]


def _join(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.bool_] | slice]:
    """Return the code points of all texts with a break between two, and where they are not breaks."""
    if len(texts) == 1:
        return np.frombuffer(texts[0].encode("utf-32-le", "surrogatepass"), np.uint32), slice(None)
    # The last word of one text must not join the first of the next.
    codes = np.frombuffer(BREAK.join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    inside = np.ones(len(codes), np.bool_)
    inside[np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)[:-1] - 1] = False
    return codes, inside


def _starts_of_words(pieces: list[str]) -> NDArray[np.bool_]:
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    ends = np.cumsum(lengths)
    starts = np.zeros(ends[-1] if len(ends) else 0, np.bool_)
    starts[ends - lengths] = True
    return starts
