"""Word boundaries: jieba (the reference), rjieba (the same words, faster), characters, or any callable."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError

SegmenterName = Literal["rjieba", "jieba", "char"]

# The characters that jieba looks up in its dictionary (jieba 0.42.1, re_han_default); every other one is a word.
_JIEBA_CHARACTERS = [*map(chr, range(0x4E00, 0x9FD6)), *string.ascii_letters, *string.digits, *"+#&._%-"]

# What jieba's hidden Markov model leaves to a pattern: Latin words, numbers with decimals, then single signs' runs.
_LATIN = re.compile(r"([a-zA-Z0-9]+(?:\.[0-9]+)?%?)")
_MIXED_LATIN = re.compile(r"[a-zA-Z0-9+#&._%-]*[+#&._%-][a-zA-Z0-9+#&._%-]*")

BREAK = "。"


class Segmenter(Protocol):
    """Cuts texts into words."""

    name: str

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return (N,) bool over the characters of all texts, one after another: True where a word begins."""
        ...


def load_segmenter(segmenter: str | Callable[[str], Iterable[str]]) -> Segmenter:
    """Return the backend of a name (``rjieba``, ``jieba``, ``char``) or one around ``text -> words``.

    Raises:
        UserError: the name is none of these.

    >>> words(load_segmenter("rjieba"), "使用语言模型来预测下一个词的概率。")
    ['使用', '语言', '模型', '来', '预测', '下', '一个', '词', '的', '概率', '。']
    """
    if callable(segmenter):
        return CallableSegmenter(segmenter)
    backends: dict[str, Callable[[], Segmenter]] = {
        "rjieba": RjiebaSegmenter,
        "jieba": JiebaSegmenter,
        "char": CharSegmenter,
    }
    if segmenter not in backends:
        expected = " or ".join(get_args(SegmenterName))
        raise UserError.at("--segmenter", expected=expected, found=repr(segmenter), fix="give one of these names")
    return backends[segmenter]()


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

    def __init__(self) -> None:
        self._cut = jieba_tokenizer().cut

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return where jieba's words begin."""
        return _starts_of_words([word for text in texts for word in self._cut(text)])


class RjiebaSegmenter:
    """rjieba (jieba in Rust), held to jieba's boundaries.

    rjieba takes more characters for Chinese than jieba, so it sees only what jieba's pattern lets through; and it
    keeps Latin words with ``-``, ``.`` or ``_`` inside together, so these are cut again by jieba's pattern.
    """

    name = "rjieba"

    def __init__(self) -> None:
        import rjieba

        self._cut = rjieba.cut
        self._known = rjieba.has_word

    def starts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return where jieba's words begin."""
        # A break between texts keeps the last word of one from joining the first of the next.
        joined = BREAK.join(texts)
        code_points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        seen = np.where(_jieba_characters()[code_points], code_points, np.uint32(ord(BREAK)))
        pieces: list[str] = []
        for word in self._cut(seen.tobytes().decode("utf-32-le")):
            if len(word) > 1 and word[0] < "\x7f" and _MIXED_LATIN.fullmatch(word) and not self._known(word):
                pieces += filter(None, _LATIN.split(word))
            else:
                pieces.append(word)
        starts = _starts_of_words(pieces)
        # jieba keeps \r\n as one word.
        starts[1:] &= ~((code_points[1:] == 10) & (code_points[:-1] == 13))
        if len(texts) > 1:
            lengths = np.fromiter(map(len, texts), np.int64, len(texts))
            starts = np.delete(starts, np.cumsum(lengths + 1)[:-1] - 1)
        return starts


@cache
def jieba_tokenizer():  # type: ignore[no-untyped-def]
    """Return a jieba of our own: its cache file in the user's cache folder, its log silent."""
    import os
    from pathlib import Path

    import jieba

    jieba.setLogLevel(30)
    tokenizer = jieba.Tokenizer()
    # jieba's default is a marshal file in the shared temporary folder, which any user could have written.
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "macbert-zh"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokenizer.tmp_dir = str(folder)
    return tokenizer


@cache
def _jieba_characters() -> NDArray[np.bool_]:
    table = np.zeros(0x110000, np.bool_)
    table[[*map(ord, _JIEBA_CHARACTERS)]] = True
    return table


def _starts_of_words(pieces: list[str]) -> NDArray[np.bool_]:
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    ends = np.cumsum(lengths)
    starts = np.zeros(ends[-1] if len(ends) else 0, np.bool_)
    starts[ends - lengths] = True
    return starts
