"""What characters a text is made of: shares of hanzi, letters, digits and signs."""

from __future__ import annotations

import re

from corpus.document import Document

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff〇々]+")
_SIGNS = re.compile(r"[^\w\s，。、；：？！“”‘’（）《》「」『』…—,.;:?!'\"()-]+")
_DIGITS_AND_CAPITALS = re.compile("[0-9A-Z]+")


def han_share(text: str) -> float:
    """Return the share of hanzi among a text's characters that are not space, 0 to 1."""
    return _share(_HAN, text)


def han(document: Document, *, min_share: float = 0.3) -> str | None:
    """Return ``few_hanzi`` below a share of hanzi (ChineseWebText: 0.3).

    >>> han(Document("1", "Hello 你好"))
    'few_hanzi'
    """
    return "few_hanzi" if han_share(document.text) < min_share else None


def signs(document: Document, *, max_share: float = 0.25, max_digits_and_capitals: float | None = None) -> str | None:
    """Return ``many_signs`` or ``many_digits`` where a text is rather signs, or numbers and capitals, than words.

    Args:
        max_share: largest share of characters that are neither letters, digits nor usual punctuation (data-juicer:
            0.25).
        max_digits_and_capitals: largest share of ASCII digits and capitals (CC-zh: 0.3); None: any.

    >>> signs(Document("1", "★☆★☆★☆★☆好"))
    'many_signs'
    """
    if _share(_SIGNS, document.text) > max_share:
        return "many_signs"
    if max_digits_and_capitals is not None and _share(_DIGITS_AND_CAPITALS, document.text) > max_digits_and_capitals:
        return "many_digits"
    return None


def _share(pattern: re.Pattern[str], text: str) -> float:
    seen = sum(match.end() - match.start() for match in pattern.finditer(text))
    total = len(text) - text.count(" ") - text.count("\n")
    return seen / total if total else 0.0
