"""Which encoding a Chinese text is in, decided by what its bytes mean, not by what merely decodes."""

from __future__ import annotations

import codecs
import re

from corpus.readers.common_hanzi import COMMON_HANZI, ORDINARY_SIGNS

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LEGACY = ("gb18030", "big5hkscs")
_HZ_RUN = re.compile(rb"~\{(?:[\x21-\x77][\x21-\x7e])+~\}")
_SAMPLE_LINES = 2000


def bom(head: bytes) -> tuple[str, int] | None:
    """Return the encoding that a byte order mark names and the mark's length, or None."""
    for mark, name in sorted(_BOMS, key=lambda item: -len(item[0])):
        if head.startswith(mark):
            return name, len(mark)
    return None


def common_share(text: str) -> float:
    """Return the share of common hanzi and Chinese punctuation among the non-ASCII characters, 0 to 1.

    >>> common_share("我们的中国") > 0.9 > 0.5 > common_share("鎴戜滑鐨勪腑鍥")
    True
    """
    foreign = [character for character in text if character > "\x7f"]
    if not foreign:
        return 1.0
    return sum(c in COMMON_HANZI or c in ORDINARY_SIGNS for c in foreign) / len(foreign)


def detect_encoding(sample: bytes) -> str:
    """Return the codec name of a text's first bytes: ``utf-8``, ``gb18030``, ``big5hkscs``, ``utf-16-le``, ``hz`` ...

    By BOM; UTF-16 without one by its zero bytes; else line by line: UTF-8 where at least half of the lines with
    non-ASCII bytes are strict UTF-8, else GB18030 or Big5 (HKSCS), whichever decodes to more common hanzi. Every Big5
    text decodes as GB18030 too, so the first encoding that decodes is not the right one.

    >>> [detect_encoding("我们使用语言模型".encode(name)) for name in ("utf-8", "gb18030", "utf-16")]
    ['utf-8', 'gb18030', 'utf-16-le']
    >>> detect_encoding("我們使用語言模型".encode("big5"))
    'big5hkscs'
    """
    if (marked := bom(sample)) is not None:
        return marked[0]
    if (wide := _utf16_without_bom(sample)) is not None:
        return wide
    if _HZ_RUN.search(sample) and sample.isascii():
        return "hz"
    lines = [line for line in sample.split(b"\n")[:_SAMPLE_LINES] if not line.isascii()]
    if not lines:
        return "utf-8"
    other = [line for line in lines if not _is_utf8(line)]
    if len(other) * 2 <= len(lines) and not (len(lines) == 1 and other):
        return "utf-8"
    return best_legacy(b"\n".join(other))[0]


def best_legacy(data: bytes) -> tuple[str, float]:
    """Return the better of GB18030 and Big5 for some bytes, and the share of common hanzi that it gives."""
    scores = []
    for name in _LEGACY:
        text = data.decode(name, errors="replace")
        wrong = text.count("\ufffd")
        scores.append((common_share(text) - wrong / max(1, len(text)), name))
    score, name = max(scores, key=lambda item: item[0])
    return name, score


def decode_line(line: bytes, encoding: str) -> tuple[str, str]:
    """Return a line's text and the encoding that it was really in; one file may mix several.

    Raises:
        UnicodeDecodeError: no encoding gives text that reads like Chinese.
    """
    if line.isascii() and encoding != "hz":
        return line.decode("ascii"), encoding
    if encoding == "utf-8":
        try:
            return line.decode("utf-8"), encoding
        except UnicodeDecodeError:
            name, score = best_legacy(line)
            if score < 0.5:
                raise
            return line.decode(name), name
    if encoding in _LEGACY:
        # A UTF-8 line in a legacy file decodes as legacy text too, so ask for UTF-8 first. Two-byte sequences alone
        # prove nothing (GBK 联通 and 直路 are valid UTF-8); three-byte ones that give common hanzi do.
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            if max(text) >= "\u0800" and common_share(text) > 0.3:
                return text, "utf-8"
        try:
            return line.decode(encoding), encoding
        except UnicodeDecodeError:
            name, score = best_legacy(line)
            if score < 0.5 or name == encoding:
                raise
            return line.decode(name), name
    return line.decode(encoding), encoding


def _is_utf8(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The sample may end in the middle of a character.
        return error.reason == "unexpected end of data" and error.start > 0
    return any(character >= "\u0800" for character in text) or common_share(data.decode("gb18030", "replace")) < 0.5


def _utf16_without_bom(sample: bytes) -> str | None:
    zeros = sample[:4096].count(0)
    if zeros * 8 < len(sample[:4096]) or zeros < 2:
        return None
    even, odd = sample[:4096:2].count(0), sample[1:4096:2].count(0)
    return "utf-16-be" if even > odd else "utf-16-le"
