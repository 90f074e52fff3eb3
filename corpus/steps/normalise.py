"""One spelling for one character, by a table of our own instead of Unicode's NFKC.

NFKC would change meaning: 10² becomes 102, ① becomes 1, ㎡ becomes m2, ℃ becomes °C, ， becomes a comma. This table
folds only what is the same sign in another width or block: full-width ASCII letters and digits, Kangxi radicals and
CJK compatibility ideographs; it keeps Chinese punctuation, superscripts, circled numbers and units. It removes
what no reader sees.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable

from corpus.document import Document


def _build_table() -> dict[int, str]:
    table: dict[int, str] = {}
    for code in range(0xFF01, 0xFF5F):
        half = chr(code - 0xFEE0)
        if half.isalnum():
            table[code] = half
    table[0xFF20] = "@"  # ＠ joins an address as its letters do
    # Kangxi radicals, CJK radical supplement, compatibility ideographs: the same hanzi in another block.
    for first, last in ((0x2E80, 0x2FDF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)):
        for code in range(first, last + 1):
            folded = unicodedata.normalize("NFKC", chr(code))
            if folded != chr(code) and len(folded) == 1:
                table[code] = folded
    # Letters with their marks: what decomposed kana and Latin need is done by NFC where marks occur (see below).
    for code in (*range(0x00, 0x09), *range(0x0E, 0x20), 0x7F, *range(0x80, 0x85), *range(0x86, 0xA0)):
        table[code] = ""
    for code in (0x00AD, 0x200B, 0x2060, 0xFEFF, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF):
        table[code] = ""
    for code in (*range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)):  # bidi marks
        table[code] = ""
    for code in (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000):
        table[code] = " "
    for code in (0x0B, 0x0C, 0x85, 0x2028, 0x2029):
        table[code] = "\n"
    return table


_TABLE = _build_table()


def _character_class(codes: Iterable[int]) -> str:
    """Return a regular expression's character class, as ranges: one item a code makes ``re`` 80 times slower."""
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "[" + "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges) + "]"


_IN_TABLE = re.compile(_character_class(_TABLE))
_COMBINING = re.compile("[\u0300-\u036f\u3099\u309a]")
_SPACES = re.compile("[ \t]{2,}|\t")
_LINE_ENDS = re.compile("[ \t]*\r\n?|[ \t]+\n")
_BLANK_LINES = re.compile("\n{3,}")


def normalise(document: Document) -> Document:
    """Return the document with one spelling for each character and plain white space.

    >>> normalise(Document("1", "ＡＢＣ１２３，面积１０²㎡\\u200b。\\r\\n\\r\\n\\r\\n完")).text
    'ABC123，面积10²㎡。\\n\\n完'
    """
    text = normalise_text(document.text)
    return document if text == document.text else dataclasses.replace(document, text=text)


def normalise_text(text: str) -> str:
    """Return the text as :func:`normalise` spells it; applying it twice changes nothing more."""
    text = _IN_TABLE.sub(lambda sign: _TABLE[ord(sign[0])], text)
    if _COMBINING.search(text):
        text = unicodedata.normalize("NFC", text)
    if "\r" in text or " \n" in text or "\t\n" in text:
        text = _LINE_ENDS.sub("\n", text)
    if "  " in text or "\t" in text:
        text = _SPACES.sub(" ", text)
        text = text.replace(" \n", "\n")
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()
