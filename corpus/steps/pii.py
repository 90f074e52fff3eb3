"""Personal data, found in a copy with the same length and replaced by typed tokens; values are never logged."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from typing import Any

from corpus.document import Document
from corpus.steps.pii_patterns import KINDS, PLATE_PROVINCES, Kind

KIND_NAMES = tuple(dict.fromkeys(kind.name for kind in KINDS))

# One character for one, so that a span in the copy is the same span in the text.
_NARROW = {0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)} | {
    0x3000: " ",
    0x2010: "-",
    0x2011: "-",
    0x2013: "-",
}
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ＠\u2010\u2011\u2013]")
_ANY_WIDE = re.compile("[\uff01-\uff5e\u3000\u2010\u2011\u2013]")
_NUMERALS = dict(zip(map(ord, "〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺"), "001234567891234567891", strict=True))
_SPELLED = re.compile("[〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]{11,}")
# Every kind holds one of these: an address's sign, five digits in a row but for single spaces or hyphens, two dots or
# colons between digits, a plate's first two signs, or a messenger's name before an ASCII sign. They are searched for in
# one pass (its first item is a plain set, which `re` skips to fast), and the kinds only near them: 4 times faster.
_ANYTHING = re.compile(
    f"[0-9@:微薇威VvWw{PLATE_PROVINCES}](?:(?<=@)|(?<=[0-9])(?:(?:[ -]?[0-9]){{4}}|\\.[0-9]{{1,3}}\\.[0-9])"
    f"|(?<=:)[0-9A-Fa-f]{{0,4}}:|(?<=[微薇威Vv])信(?:号码?)?[是为：:=\\s]{{0,3}}[A-Za-z_1]|(?<=[Vv])[Xx]"
    f"|(?<=[Ww])[Ee][Cc][Hh][Aa][Tt]|(?<=[{PLATE_PROVINCES}])[A-HJ-NP-Z])"
)
_AROUND = 96


def pii(document: Document, *, kinds: list[str] | None = None, ids: bool = True) -> Document:
    """Return the document with personal data replaced, also inside ``meta``; ``meta["pii"]`` counts it by kind.

    Args:
        kinds: which of ``KIND_NAMES`` to replace; all by default.
        ids: replace them in the id too, which goes on into every table, log and error; ids that become equal get ``#2``
            and so on in the corpus. Give False where ids are long numbers that only look like telephone numbers.

    >>> pii(Document("1", "联系电话13800138000请")).text
    '联系电话[手机号]请'
    """
    counts: Counter[str] = Counter()
    text = _redact(document.text, kinds, counts)
    meta = {name: _redact_value(value, kinds, counts) for name, value in document.meta.items()}
    identity = _redact(document.id, kinds, counts) if ids else document.id
    if not counts:
        return document
    before = document.meta.get("pii")
    if isinstance(before, dict):
        counts.update(before)
    return dataclasses.replace(document, id=identity, text=text, meta={**meta, "pii": dict(sorted(counts.items()))})


def redact_text(text: str) -> str:
    """Return a text with personal data of every kind replaced."""
    return _redact(text, None, Counter())


def find_pii(text: str, kinds: list[str] | None = None) -> list[tuple[int, int, str]]:
    """Return (start, end, kind) of personal data in a text, in order, without overlaps.

    >>> find_pii("邮箱ｚｓ＠qq.com，身份证11010519491231002X的")
    [(2, 11, 'email'), (15, 33, 'id_card')]
    """
    return [(start, end, name) for start, end, name, _ in _find(text, kinds)]


def _find(text: str, kinds: list[str] | None) -> list[tuple[int, int, str, str]]:
    copy = _ANY_WIDE.sub(lambda sign: _NARROW[ord(sign[0])], text) if _WIDE.search(text) else text
    if _SPELLED.search(copy):
        copy = _SPELLED.sub(lambda run: run[0].translate(_NUMERALS), copy)
    windows: list[tuple[int, int]] = []
    for nominated in _ANYTHING.finditer(copy):
        start, end = max(0, nominated.start() - _AROUND), nominated.end() + _AROUND
        if windows and start <= windows[-1][1]:
            windows[-1] = windows[-1][0], end
        else:
            windows.append((start, end))
    found: list[tuple[int, int, str, str]] = []
    for window in windows:
        here: list[tuple[int, int, str, str]] = []
        for kind in KINDS:
            if kinds is None or kind.name in kinds:
                _find_kind(kind, copy, window, here)
        found += sorted(here)
    return found


def _find_kind(kind: Kind, copy: str, window: tuple[int, int], found: list[tuple[int, int, str, str]]) -> None:
    if kind.needs and copy.find(kind.needs, *window) < 0:
        return
    for match in kind.pattern.finditer(copy, *window):
        start, end = match.span("value") if "value" in kind.pattern.groupindex else match.span()
        if any(start < other_end and other_start < end for other_start, other_end, _, _ in found):
            continue
        if kind.check is None or kind.check(match):
            found.append((start, end, kind.name, kind.token))


def _redact(text: str, kinds: list[str] | None, counts: Counter[str]) -> str:
    found = _find(text, kinds)
    if not found:
        return text
    parts, at = [], 0
    for start, end, name, token in found:
        parts += [text[at:start], token]
        at = end
        counts[name] += 1
    return "".join([*parts, text[at:]])


def _redact_value(value: Any, kinds: list[str] | None, counts: Counter[str]) -> Any:
    if isinstance(value, str):
        return _redact(value, kinds, counts)
    if isinstance(value, list):
        return [_redact_value(item, kinds, counts) for item in value]
    if isinstance(value, dict):
        return {name: _redact_value(item, kinds, counts) for name, item in value.items()}
    return value
