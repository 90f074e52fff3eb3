"""Text that repeats itself: crawl accidents, spam, stuck keys."""

from __future__ import annotations

from corpus.document import Document

_STUCK_TIMES = 20


def repetition(
    document: Document, *, ngram: int = 13, max_repeated: float = 0.5, max_duplicate_lines: float | None = None
) -> str | None:
    """Return ``repeated_passages``, ``repeated_lines`` or ``stuck_key`` where too much of a text is said again.

    Args:
        ngram: characters of a passage.
        max_repeated: largest share of n-grams that stood in the text before (ChineseWebText drops above 0.5 at 13).
        max_duplicate_lines: largest share of lines that stood before (FineWeb-2 ``cmn_Hani``: 0.287); None: any.

    >>> repetition(Document("1", "欢迎光临本店，全场八折优惠，仅限今天。" * 9))
    'repeated_passages'
    """
    text = document.text
    if len(text) >= 4 * ngram and repeated_share(text, ngram) > max_repeated:
        return "repeated_passages"
    if max_duplicate_lines is not None and duplicate_line_share(text) > max_duplicate_lines:
        return "repeated_lines"
    if len(text) >= _STUCK_TIMES and _stuck_characters(text) * 2 > len(text):
        return "stuck_key"
    return None


def repeated_share(text: str, ngram: int) -> float:
    """Return the share of a text's character n-grams that occurred in it before, 0 to 1."""
    if len(text) < ngram:
        return 0.0
    from corpus.dedup.repeats import repeated_ngrams  # compiled code, half a second: loaded by who needs it

    return repeated_ngrams(text, ngram)


def duplicate_line_share(text: str) -> float:
    """Return the share of a text's lines that are blank-free and occurred before, 0 to 1."""
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0


def _stuck_characters(text: str) -> int:
    from corpus.dedup.repeats import stuck_characters

    return stuck_characters(text, _STUCK_TIMES)
