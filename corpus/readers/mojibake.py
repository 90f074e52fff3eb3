"""Text that was once decoded with the wrong encoding: told from real Chinese, and undone where it can be."""

from __future__ import annotations

import re

from corpus.readers.common_hanzi import COMMON_HANZI, ORDINARY_SIGNS
from corpus.readers.encoding import common_share


def _first_two_bytes_as_gbk() -> str:
    """Return the rare hanzi that GBK makes of the first two UTF-8 bytes of common hanzi and Chinese punctuation."""
    made = {
        sign.encode()[:2].decode("gbk", "ignore") for sign in COMMON_HANZI | ORDINARY_SIGNS if len(sign.encode()) == 3
    }
    return "".join(sorted(sign for sign in made if sign and sign not in COMMON_HANZI and not _is_everyday(sign)))


def _is_everyday(sign: str) -> bool:
    """Tell whether a hanzi is in the first level of GB 2312 (3,755 everyday ones) or of Big5 (5,401)."""
    for codec, low, high in (("gb2312", b"\xb0\xa1", b"\xd7\xf9"), ("big5", b"\xa4\x40", b"\xc6\x7e")):
        try:
            if low <= sign.encode(codec) <= high:
                return True
        except UnicodeEncodeError:
            continue
    return False


_UTF8_AS_GBK = re.compile(f"[{_first_two_bytes_as_gbk()}]")
# What it looks like when read as Latin-1 or Windows-1252: lead bytes E4-E9 are ä å æ ç è é.
_UTF8_AS_LATIN = re.compile("[äåæçèéï][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
# Bytes that are gone: U+FFFD encoded as UTF-8 and read as GBK; uninitialised memory read as GBK.
_LOST = re.compile("锟斤拷|烫烫烫烫|屯屯屯屯")

_C1_OF_WINDOWS = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}


def is_mojibake(text: str) -> bool:
    """Tell whether a text looks like Chinese decoded with the wrong encoding.

    >>> [is_mojibake(text) for text in ("我们的中国", "鎴戜滑鐨勪腑鍥", "æˆ‘ä»¬çš„", "锟斤拷锟斤拷")]
    [False, True, True, True]
    """
    if text.isascii():
        return False
    if "锟斤拷" in text or "烫烫烫" in text or "屯屯屯" in text:
        # One quoted example in a long honest text (an article about mojibake) is not damage.
        return 20 * sum(map(len, _LOST.findall(text))) > len(text)
    if _UTF8_AS_LATIN.search(text) and 3 * len(_UTF8_AS_LATIN.findall(text)) > len(text) / 2:
        return True
    found = _UTF8_AS_GBK.findall(text) if _UTF8_AS_GBK.search(text) else ()
    return len(found) > 1 and len(found) * 5 > len(text) and common_share(text) < 0.5


def undo_mojibake(text: str) -> str | None:
    """Return the text that was meant, or None where its bytes are lost.

    >>> undo_mojibake("æˆ‘ä»¬çš„")
    '我们的'
    >>> undo_mojibake("锟斤拷锟斤拷") is None
    True
    """
    for restore in (_bytes_read_as_gbk, _bytes_read_as_latin):
        data = restore(text)
        if data is None:
            continue
        try:
            meant = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        if common_share(meant) > 0.5:
            return meant
    return None


def _bytes_read_as_gbk(text: str) -> bytes | None:
    try:
        return text.encode("gb18030")
    except UnicodeEncodeError:
        return None


def _bytes_read_as_latin(text: str) -> bytes | None:
    data = bytearray()
    for character in text:
        code = _C1_OF_WINDOWS.get(ord(character), ord(character))
        if code > 0xFF:
            return None
        data.append(code)
    return bytes(data)
