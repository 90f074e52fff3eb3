"""What every form of answer shares: the thinking part is cut off, some words mean "nothing"."""

from __future__ import annotations

import re
import unicodedata

# Not "空" or "NA": the literature set has names that are written so.
_NONE = frozenset(
    {"无", "没有", "暂无", "不存在", "未提及", "none", "n/a", "null", "nil", "no", "-", "--", "—", "——", "/"}
)

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_OPEN_THINKING = re.compile(r"^.*?</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_NEVER_CLOSED = re.compile(r"^\s*<(think|thinking|reasoning)>.*\Z", re.DOTALL | re.IGNORECASE)


def clean(reply: str) -> str:
    """Return a reply without its thinking part (also where the server took away the opening tag) and outer blanks.

    >>> clean("<think>有两个名字。</think>\\n(人物, 地点)")
    '(人物, 地点)'
    """
    reply = _THINKING.sub("", reply)
    reply = _OPEN_THINKING.sub("", reply)
    return _NEVER_CLOSED.sub("", reply).strip()


def is_none(text: str) -> bool:
    """Return whether a whole answer, or a cell of one, says that there is nothing.

    >>> [is_none(text) for text in ("无", "无。", "None.", "(无)", "N/A", "", "无锡")]
    [True, True, True, True, True, True, False]
    """
    bare = _bare(text)
    return not bare or bare in _NONE


def is_none_word(text: str) -> bool:
    """Return the same of a string in JSON, where a lone sign is an answer: the literature set has some.

    >>> [is_none_word(text) for text in ("无。", "", "“", "无锡")]
    [True, True, False, False]
    """
    return not text.strip() or _bare(text) in _NONE


def _bare(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().strip("。.!;'\"“”‘’`*()[]{}<> \n\t").lower()
