"""ChineseWebText's rules for web pages (Chen et al. 2023, section 3.1): made for crawls, not for reviews or verse."""

from __future__ import annotations

from corpus.document import Document
from corpus.steps.characters import han_share
from corpus.steps.repetition import repeated_share


def chinesewebtext(
    document: Document,
    *,
    min_chars: int = 200,
    min_mean_line: float = 10.0,
    min_han: float = 0.3,
    max_repeated: float = 0.5,
    ngram: int = 13,
) -> str | None:
    """Return ``short_text``, ``short_lines``, ``few_hanzi`` or ``repeated_passages``, or None.

    Its fifth rule, more than half a listed word a line, is the step ``harm`` with a list of one's own.

    >>> chinesewebtext(Document("1", "首页\\n登录\\n注册\\n" * 40))
    'short_lines'
    """
    text = document.text
    if len(text) < min_chars:
        return "short_text"
    lines = [line for line in text.split("\n") if line.strip()]
    if sum(map(len, lines)) < min_mean_line * len(lines):
        return "short_lines"
    if han_share(text) < min_han:
        return "few_hanzi"
    return "repeated_passages" if repeated_share(text, ngram) > max_repeated else None
