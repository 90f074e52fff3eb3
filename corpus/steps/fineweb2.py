"""FineWeb-2's rules for Chinese web text, with its thresholds for ``cmn_Hani``.

Formulas: Gopher (Rae et al. 2021, table A1) and FineWeb (Penedo et al. 2024, section 3.6), as FineWeb-2's pipeline runs
them (``scripts/bench/corpus.py`` compares the verdicts with datatrove's); numbers: FineWeb-2's published configuration
``cmn_Hani``. Words are jieba's. Made for web crawls: they drop 16 % of clean law documents.

On purpose otherwise: a line also ends as a sentence with ；…”』）, and ·●* are bullets too; datatrove has
``end_signs="。！？!?."`` and ``bullets="•-"``.
"""

from __future__ import annotations

from collections import Counter

from corpus.document import Document
from corpus.steps.words import words_of

STOP_WORDS = frozenset("的 年 在 月 是 和 日 了 於 為 有 被 人 中 为 他 與 後 也 而 由 ·".split())  # noqa: SIM905
END_SIGNS = "。！？；…”』）!?.;\"'"
BULLETS = "-•‣*·●"

TOP_NGRAMS = {2: 0.256, 3: 0.201, 4: 0.171}
"""Largest share of characters in the most frequent n-gram of n words."""

DUPLICATE_NGRAMS = {5: 0.198, 6: 0.182, 7: 0.167, 8: 0.154, 9: 0.140, 10: 0.127}
"""Largest share of characters in n-grams of n words that occurred before."""


def fineweb2_quality(
    document: Document,
    *,
    min_mean_word: float = 1.0,
    max_mean_word: float = 5.0,
    min_alpha_words: float = 0.735,
    min_stop_words: int = 2,
    min_words: int = 50,
    max_words: int = 100_000,
    max_signs_per_word: float = 0.1,
    min_ended_lines: float = 0.106,
    max_newlines_per_word: float = 0.178,
    max_duplicate_line_characters: float = 0.1,
    max_bullet_lines: float = 0.9,
    max_ellipsis_lines: float = 0.3,
    end_signs: str = END_SIGNS,
    bullets: str = BULLETS,
) -> str | None:
    """Return the first of Gopher's and FineWeb's quality rules that a text breaks, or None.

    >>> fineweb2_quality(Document("1", "首页 登录 注册 帮助 联系 关于 招聘 广告 " * 8))
    'few_stop_words'
    """
    text = document.text
    words = words_of(text)
    content = [word for word in words if any(map(str.isalnum, word))]
    if len(content) < max(1, min_words):
        return "few_words"
    if len(content) > max_words:
        return "many_words"
    if not min_mean_word <= sum(map(len, content)) / len(content) <= max_mean_word:
        return "mean_word_length"
    if max(text.count("#"), text.count("...") + text.count("…")) > max_signs_per_word * len(words):
        return "many_hashes_or_ellipses"
    if sum(any(map(str.isalpha, word)) for word in words) < min_alpha_words * len(words):
        return "few_alpha_words"
    if len(STOP_WORDS.intersection(words)) < min_stop_words:
        return "few_stop_words"
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if sum(line.startswith(tuple(bullets)) for line in lines) > max_bullet_lines * len(lines):
        return "bullet_lines"
    if sum(line.endswith(("…", "...", "……")) for line in lines) > max_ellipsis_lines * len(lines):
        return "ellipsis_lines"
    if sum(line.endswith(tuple(end_signs)) for line in lines) < min_ended_lines * len(lines):
        return "few_ended_lines"
    if text.count("\n") > max_newlines_per_word * len(words):
        return "many_newlines"
    seen: set[str] = set()
    repeated = 0
    for line in lines:
        repeated += len(line) if line in seen else 0
        seen.add(line)
    if repeated > max_duplicate_line_characters * (len(text) - text.count("\n")):
        return "duplicate_line_characters"
    return None


def fineweb2_repetition(document: Document, *, max_duplicate_lines: float = 0.287) -> str | None:
    """Return the first of Gopher's repetition rules that a text breaks, or None.

    >>> fineweb2_repetition(Document("1", "买房就找我们公司，" * 20))
    'top_2_gram'
    """
    text = document.text
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if lines and 1 - len(set(lines)) / len(lines) > max_duplicate_lines:
        return "duplicate_lines"
    words = words_of(text)
    for size, limit in TOP_NGRAMS.items():
        counts = Counter(zip(*(words[start:] for start in range(size)), strict=False))
        if not counts:
            continue
        gram, most = counts.most_common(1)[0]
        # The limits were measured on n-grams joined by spaces, which count.
        if most > 1 and len(" ".join(gram)) * most > limit * len(text):
            return f"top_{size}_gram"
    for size, limit in DUPLICATE_NGRAMS.items():
        if _repeated_characters(words, size) > limit * len(text):
            return f"duplicate_{size}_grams"
    return None


def _repeated_characters(words: list[str], size: int) -> int:
    """Return the characters in n-grams that stood before; after such a one the search goes on behind it (Gopher)."""
    seen: set[tuple[str, ...]] = set()
    repeated = place = 0
    while place + size <= len(words):
        gram = tuple(words[place : place + size])
        if gram in seen:
            repeated += sum(map(len, gram))
            place += size
        else:
            seen.add(gram)
            place += 1
    return repeated
