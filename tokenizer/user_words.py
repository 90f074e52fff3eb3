"""A user's dictionary in jieba's format: ``word [frequency] [tag]`` lines, all mistakes listed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import Problem, UserError

# jieba 0.42.1 looks only such characters up (re_han_default); a word with others would never be found.
_WORD = re.compile(r"[一-\u9fd5a-zA-Z0-9+#&._%-]+")

_FIELDS = re.compile(r"^(?P<word>.+?)(?: (?P<frequency>[0-9]+))?(?: (?P<tag>[a-z]+))?$")

MAX_FREQUENCY = 1 << 40


@dataclass(frozen=True)
class UserWord:
    """One word of a user's dictionary."""

    text: str

    frequency: int | None
    """None: as much as it takes to be cut out, by jieba's own rule."""


def read_user_words(path: str | Path) -> list[UserWord]:
    """Read a user dictionary.

    Raises:
        UserError: every line that is not UTF-8, not of the form, a word jieba could never find, a frequency of 0
            (jieba would delete the word; rjieba cannot), or a word given twice.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError.at(path, expected="a user dictionary (word [frequency] [tag])", found="no file", fix="check it")
    words: list[UserWord] = []
    problems: list[Problem] = []
    first: dict[str, int] = {}

    def bad(number: int, expected: str, found: str, fix: str) -> None:
        problems.append(Problem(f"{path}:{number}", expected, found, fix))

    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            text = line.decode("utf-8").strip().lstrip("\ufeff")
        except UnicodeDecodeError as error:
            bad(number, "UTF-8", f"byte 0x{line[error.start]:02x}", "convert the file to UTF-8")
            continue
        if not text:
            continue
        match = _FIELDS.match(text)
        assert match is not None, "any line that is not empty has a word"
        word, frequency = match["word"], match["frequency"]
        strange = _WORD.sub("", word)
        if strange:
            expected = "word [frequency] [tag] with single spaces, the word of Han, ASCII letters, digits or +#&._%-"
            bad(number, expected, f"{strange[0]!r} in {word[:20]!r}", "jieba would never find it: mend or delete it")
        elif word in first:
            bad(number, "a word once", f"{word!r} again (first on line {first[word]})", "delete one of the lines")
        elif frequency is not None and not 0 < int(frequency) <= MAX_FREQUENCY:
            bad(number, f"a frequency from 1 to {MAX_FREQUENCY}", frequency, "change it, or leave it out")
        else:
            first[word] = number
            words.append(UserWord(word, None if frequency is None else int(frequency)))
    if problems:
        raise UserError(*problems)
    return words
