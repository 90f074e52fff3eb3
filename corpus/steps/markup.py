"""Pages that are HTML source instead of text."""

from __future__ import annotations

import re

from corpus.document import Document

_TAG = re.compile(
    r"<(?:script|style)\b[^>]*>.{0,100000}?</(?:script|style)>|<!--.{0,10000}?-->"
    r"|</?[A-Za-z][A-Za-z0-9-]{0,20}(?:\s[^<>]{0,2000})?/?>",
    re.DOTALL | re.IGNORECASE,
)
_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype html|<html\b)", re.IGNORECASE)


def markup(document: Document, *, max_share: float = 0.3) -> str | None:
    """Return ``markup`` for a whole HTML page, or a text with more than ``max_share`` of its characters inside tags.

    >>> markup(Document("1", "<!DOCTYPE html>\\n<html><body>你好</body></html>"))
    'markup'
    """
    if "<" not in document.text:
        return None
    if _PAGE.match(document.text):
        return "markup"
    return "markup" if markup_share(document.text) > max_share else None


def markup_share(text: str) -> float:
    """Return the share of a text's characters that are inside HTML tags, scripts, styles and comments, 0 to 1."""
    return sum(match.end() - match.start() for match in _TAG.finditer(text)) / len(text) if text else 0.0
