"""A text's words, for the rules that count them."""

from __future__ import annotations

import functools
from collections.abc import Callable


@functools.cache
def _cutter() -> Callable[[str], list[str]]:
    import rjieba  # loads its dictionary, 0.1 s: only rules on words need it

    cut: Callable[[str], list[str]] = rjieba.cut
    return cut


def words_of(text: str) -> list[str]:
    """Return the words of a text as jieba cuts them, white space left out.

    >>> words_of("我们使用语言模型。")
    ['我们', '使用', '语言', '模型', '。']
    """
    return [word for word in _cutter()(text) if not word.isspace()]
