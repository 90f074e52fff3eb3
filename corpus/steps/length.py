"""Too short or too long to be a document."""

from __future__ import annotations

from corpus.document import Document


def length(document: Document, *, min_chars: int = 5, max_chars: int | None = None) -> str | None:
    """Return ``too_short`` or ``too_long``, counted in characters that are not space.

    >>> length(Document("1", "好 的 "), min_chars=5)
    'too_short'
    """
    count = len(document.text)
    if count < 2 * min_chars:
        count = sum(not character.isspace() for character in document.text)
    if count < min_chars:
        return "too_short"
    if max_chars is not None and count > max_chars:
        return "too_long"
    return None
