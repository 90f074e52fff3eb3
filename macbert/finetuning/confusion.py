"""Which characters may be mistaken for which."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpus.errors import Problem, UserError
from tokenizer import ChineseTokenizer


def read_confusion(path: str | Path) -> dict[str, str]:
    """Read a confusion set: a line is a character, a tab or comma, and the characters that it may stand for.

    Further tabs and spaces between those are passed over, and so are lines that begin with ``#``.

    Raises:
        UserError: no such file, not UTF-8, or lines of another form, all listed.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError.at(path, expected="a confusion set", found="no such file", fix="check the path")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError.at(path, expected="UTF-8", found="something else", fix="turn it into UTF-8 (iconv)") from None
    table: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        if len(line) < 2 or line[1] not in "\t,":
            where = f"{path}:{number}"
            problems.append(Problem(where, "character, tab, characters", "another form", "mend or delete the line"))
            continue
        table[line[0]] = "".join(dict.fromkeys(table.get(line[0], "") + "".join(line[2:].split())))
    if problems:
        raise UserError(*problems)
    return table


def han_tokens(tokenizer: ChineseTokenizer) -> NDArray[np.int64]:
    """Return the ids of the tokens that are one Han character."""
    return np.array([number for number, token in enumerate(tokenizer.vocab) if len(token) == 1 and is_han(token)])


def is_han(character: str) -> bool:
    """Return whether a character is a CJK ideograph.

    >>> [is_han(character) for character in "语a，〇"]
    [True, False, False, False]
    """
    return unicodedata.category(character) == "Lo" and unicodedata.name(character, "").startswith("CJK")
