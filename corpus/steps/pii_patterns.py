r"""What personal data looks like in Chinese text: patterns that only nominate, and checks that decide.

No pattern uses ``\b`` or ``\d``: hanzi count as word characters, so ``\b`` misses a number glued to Chinese, and ``\d``
takes digits of any script. Edges are ASCII look-arounds.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

_NO_DIGIT_BEFORE = r"(?<![0-9])(?<![0-9]\.)"
_NO_DIGIT_AFTER = r"(?![0-9])(?!\.[0-9])"


@dataclass(frozen=True)
class Kind:
    """One kind of personal data."""

    name: str
    token: str
    """What stands in its place."""

    pattern: re.Pattern[str]
    """Nominates; where it has a group ``value``, only that part is replaced."""

    check: Callable[[re.Match[str]], bool] | None = None
    """Decides."""

    needs: str = ""
    """A character or word without which the text cannot hold this kind; saves the search."""


_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
# GB/T 2260: the first two digits of a region.
_PROVINCES = frozenset(re.findall("..", "1112131415212223313233343536374142434445465051525354616263646571818283"))


def is_id_card(digits: str) -> bool:
    """Tell whether 18 characters are an identity number: region, date, and check digit by ISO 7064 MOD 11-2 (GB 11643).

    >>> is_id_card("11010519491231002X")
    True
    """
    if digits[:2] not in _PROVINCES:
        return False
    try:
        born = datetime.date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits, strict=False))
    return born.year >= 1900 and _ID_CHECKS[total % 11] == digits[17].upper()


def passes_luhn(digits: str) -> bool:
    """Tell whether the last digit of a card number is its Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# Registering office and kind of organisation.
_CREDIT_KINDS = frozenset(
    re.findall("..", "1112131921293132333435394149515253545559616269717279818991929399A1A9N1N2N3N9Y1")
)
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def is_credit_code(code: str) -> bool:
    """Tell whether 18 characters are a unified social credit code: check sign by MOD 31 (GB 32100)."""
    if code[:2] not in _CREDIT_KINDS:
        return False
    total = sum(weight * _CREDIT_SIGNS.index(sign) for weight, sign in zip(_CREDIT_WEIGHTS, code, strict=False))
    return _CREDIT_SIGNS[-total % 31] == code[17]


def _digits(match: re.Match[str]) -> str:
    return re.sub("[^0-9A-Za-z]", "", match["value"] if "value" in match.re.groupindex else match[0])


_CARD_CUE = re.compile("(?:卡号|银行卡|储蓄卡|信用卡|借记卡|账号|帐号|账户|帐户|卡)[^0-9]{0,8}$")


def _is_bank_card(match: re.Match[str]) -> bool:
    digits = _digits(match)
    if not 16 <= len(digits) <= 19 or not passes_luhn(digits):
        return False
    # Luhn alone passes a tenth of all numbers; ask for an issuer's first digits or a cue word too.
    if digits.startswith(("62", "9558", "6013")) or (digits[0] == "4" and len(digits) in (16, 19)):
        return True
    if len(digits) == 16 and digits.startswith(
        ("51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27", "35")
    ):
        return True
    return bool(_CARD_CUE.search(match.string, max(0, match.start() - 16), match.start()))


_HARMLESS_IPS = ("0.0.0.0", "127.0.0.1", "255.255.255.255")


def _is_ip(match: re.Match[str]) -> bool:
    text = match[0]
    if ":" in text and (len(text) < 7 or not any(sign.isdigit() for sign in text)):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return text not in _HARMLESS_IPS and not text.startswith("255.")


PLATE_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_CUE_GAP = r"(?:号码|号|码)?(?:是|为|：|:|=|\s){0,3}"

# In this order: where two kinds claim the same characters, the earlier one has them.
KINDS = (
    Kind(
        "email",
        "[邮箱]",
        re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}"),
        needs="@",
    ),
    Kind(
        "id_card",
        "[身份证号]",
        re.compile(
            r"(?<![0-9])[1-8][0-9]{5}[ -]?(?:19|20)[0-9]{2}[ -]?(?:0[1-9]|1[0-2])[ -]?(?:0[1-9]|[12][0-9]|3[01])"
            r"[ -]?[0-9]{3}[0-9Xx](?![0-9])"
        ),
        lambda match: is_id_card(_digits(match)),
    ),
    Kind(
        "id_card",
        "[身份证号]",
        re.compile(
            r"身份证[^0-9]{0,8}(?P<value>[1-8][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3})(?![0-9Xx])"
        ),
        needs="身份证",
    ),
    Kind(
        "credit_code",
        "[统一社会信用代码]",
        re.compile(r"(?<![0-9A-Za-z])[1-9A-GY][0-9A-HJ-NPQRTUWXY](?:[0-9]{6})[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])"),
        lambda match: is_credit_code(match[0]),
    ),
    Kind(
        "bank_card",
        "[银行卡号]",
        re.compile(
            r"(?<![0-9])(?<![0-9]\.)(?:[0-9]{16,19}|[0-9]{4}(?:[ -][0-9]{4}){3}(?:[ -]?[0-9]{1,3})?"
            r"|[0-9]{6} [0-9]{10,13})(?![0-9])"
        ),
        _is_bank_card,
    ),
    Kind(
        "qq",
        "[QQ号]",
        re.compile(rf"(?:[Qq]{{2}}|扣扣|企鹅)群?{_CUE_GAP}(?P<value>[1-9][0-9]{{4,11}})(?![0-9A-Za-z%@])"),
    ),
    Kind(
        "wechat",
        "[微信号]",
        re.compile(
            r"(?:微信|薇信|威信|[Vv]信|(?<![A-Za-z0-9])(?:[Vv][Xx]|WeChat|wechat|WECHAT))"
            r"(?:(?:号码|号)(?:是|为|：|:|=|\s){0,3}|\s?(?:是|为|：|:|=)\s?|\s{0,2}(?=[A-Za-z0-9_-]*(?:[0-9_]|[a-z][A-Z]))"
            r"|(?<=[加我的]微信)|(?<=[Vv][Xx])(?![Ww]orks))"
            r"(?P<value>[A-Za-z_][A-Za-z0-9_-]{5,19}|1[3-9][0-9]{9})(?![A-Za-z0-9_-])"
        ),
    ),
    Kind(
        "mobile",
        "[手机号]",
        re.compile(
            rf"(?:(?<![0-9])(?:\+|00)?86[ -]?|{_NO_DIGIT_BEFORE})1[3-9][0-9](?:[0-9]{{8}}|[ -][0-9]{{4}}[ -]?[0-9]{{4}}"
            rf"|[0-9][ -][0-9]{{3}}[ -]?[0-9]{{4}}){_NO_DIGIT_AFTER}(?!_[0-9A-Za-z])"
        ),
    ),
    Kind(
        "landline",
        "[座机号]",
        re.compile(
            rf"(?:(?<![0-9A-Za-z_])|(?<=[Tt][Ee][Ll])){_NO_DIGIT_BEFORE}"
            rf"(?:(?:\+|00)?86[ -]?)?[(（]?(?:0(?:10|2[0-9]|[3-9][0-9]{{2}}))[)）]?[ -]{{0,2}}"
            rf"[2-9](?:[0-9]{{7}}|[0-9]{{6}})(?:(?:-|转|ext\.?) ?[0-9]{{1,6}})?{_NO_DIGIT_AFTER}"
        ),
    ),
    Kind(
        "ip",
        "[IP地址]",
        re.compile(
            r"(?<![0-9A-Za-z.])(?<!版本)(?<!版本 )(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
            r"(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}(?![0-9])(?!\.[0-9])"
        ),
        _is_ip,
        needs=".",
    ),
    Kind(
        "ip",
        "[IP地址]",
        re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{1,4}:{1,2}){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])"),
        _is_ip,
        needs=":",
    ),
    Kind(
        "plate",
        "[车牌号]",
        re.compile(
            rf"[{PLATE_PROVINCES}][A-HJ-NP-Z][·•.\- ]?"
            r"(?:[A-HJ-NP-Z][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]|[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{4}[挂学警港澳领])"
            r"(?![0-9A-Za-z])"
        ),
    ),
    Kind(
        "passport",
        "[护照号]",
        re.compile(r"(?<![0-9A-Za-z])(?:[EG][0-9]{8}|E[A-HJ-NP-Z][0-9]{7})(?![0-9A-Za-z])"),
    ),
    Kind(
        "passport",
        "[护照号]",
        re.compile(
            r"(?:护照|通行证)[^0-9A-Za-z]{0,8}(?P<value>(?:[A-Z]{1,2}[0-9]{7,8}|1[45][0-9]{7})|[A-Z][0-9]{10})(?![0-9A-Za-z])"
        ),
        needs="证",
    ),
)
