"""A text's words, for the rules that count them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

# rjieba cuts hanzi as jieba does, but joins runs of signs (====) and keeps signs inside ASCII words (linux.cn, a-b_c).
# Cutting those again makes the words equal but for the few such words that jieba's dictionary has (C++, AT&T).
_WORD_SIGNS = re.compile("[\u4e00-\u9fd5a-zA-Z0-9+#&._%-]")
"""What jieba makes words of; every other sign is a word of its own."""

_MIXED = re.compile(r"(?=.*[a-zA-Z0-9])(?=.*[+#&._-])[a-zA-Z0-9+#&._%-]+")
_ASCII_PARTS = re.compile(r"[a-zA-Z0-9]+(?:\.[0-9]+)?%?|[^a-zA-Z0-9]+")


@functools.cache
def _cutter() -> Callable[[str], list[str]]:
    import rjieba  # loads its dictionary, 0.1 s: only rules on words need it

    cut: Callable[[str], list[str]] = rjieba.cut
    return cut


def words_of(text: str) -> list[str]:
    """Return the words of a text as jieba cuts them, white space left out.

    >>> words_of("我们使用linux.cn和v3.14。==")
    ['我们', '使用', 'linux', '.', 'cn', '和', 'v3.14', '。', '=', '=']
    """
    words: list[str] = []
    for word in _cutter()(text):
        if len(word) == 1:
            words.append(word)
        elif not _WORD_SIGNS.search(word):
            words += word
        elif word.isascii() and _MIXED.fullmatch(word):
            words += _ASCII_PARTS.findall(word)
        else:
            words.append(word)
    return [word for word in words if not word.isspace()]
