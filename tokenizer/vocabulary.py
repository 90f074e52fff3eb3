"""A BERT vocabulary: one token a line, checked line by line, and what kind of token each is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from corpus.errors import Problem, UserError
from corpus.files import atomic_file

PAD, UNK, CLS, SEP, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

UNUSED = re.compile(r"\[unused\d+\]")

# A file with one mistake in every line would otherwise print all of them.
MAX_PROBLEMS_SHOWN = 20


class Vocabulary:
    """The tokens of a WordPiece model by id; ``##`` begins a piece inside a word.

    Attributes:
        tokens: the tokens, id = index.
        ids: token to id.
        special_mask: (V,) bool, True for [PAD], [UNK], [CLS], [SEP], [MASK] and every ``[unusedN]``.
        symbol_mask: (V,) bool, True for tokens of only punctuation, symbols or separators.

    >>> Vocabulary([*SPECIAL_TOKENS, "语", "言", "。"]).symbol_mask.tolist()
    [False, False, False, False, False, False, False, True]
    """

    def __init__(self, tokens: Iterable[str], where: str = "vocabulary") -> None:
        self.tokens = list(tokens)
        problems = _problems(self.tokens, where)
        if problems:
            raise UserError(*problems)
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        self.pad_id, self.unk_id, self.cls_id, self.sep_id, self.mask_id = (self.ids[t] for t in SPECIAL_TOKENS)
        special = set(SPECIAL_TOKENS)
        self.special_mask = np.array([t in special or UNUSED.fullmatch(t) is not None for t in self.tokens])
        self.symbol_mask = np.array([is_symbols(t) for t in self.tokens])

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read a ``vocab.txt``, split on ``\\n`` only (the official one has U+2028 as an entry).

        Raises:
            UserError: every CRLF, blank, duplicate or non-UTF-8 line with its number; missing special tokens.
        """
        path = Path(path)
        if not path.is_file():
            found = "a folder" if path.is_dir() else "nothing"
            raise UserError.at(path, expected="a vocabulary file", found=found, fix="check the path")
        data = path.read_bytes()
        lines = data.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        tokens, problems = [], []
        for number, line in enumerate(lines, 1):
            try:
                token = line.decode("utf-8")
            except UnicodeDecodeError as error:
                found = f"byte 0x{line[error.start]:02x}"
                problems.append(Problem(f"{path}:{number}", "UTF-8", found, "convert the file to UTF-8"))
                continue
            if number == 1 and token.startswith("\ufeff"):
                problems.append(Problem(f"{path}:1", "a token", "a byte order mark", "save the file without BOM"))
            if token.endswith("\r"):
                problems.append(Problem(f"{path}:{number}", "a line end \\n", "\\r\\n", "convert to Unix line ends"))
            tokens.append(token)
        if problems:
            raise UserError(*_shorten(problems, str(path)))
        return cls(tokens, where=str(path))

    def save(self, path: str | Path) -> None:
        """Write one token a line, as BERT's ``vocab.txt``."""
        with atomic_file(path) as stream:
            stream.write("".join(f"{token}\n" for token in self.tokens))


def is_symbols(token: str) -> bool:
    """Return whether a token, its ``##`` apart, has only punctuation, symbols, separators or controls.

    >>> is_symbols("##%"), is_symbols("℃"), is_symbols("语")
    (True, True, False)
    """
    text = token[2:] if token.startswith("##") and len(token) > 2 else token
    return token not in SPECIAL_TOKENS and all(unicodedata.category(char)[0] in "PSZC" for char in text)


def _problems(tokens: list[str], where: str) -> list[Problem]:
    problems, first = [], dict[str, int]()
    for number, token in enumerate(tokens, 1):
        if not token.strip(" \t\r"):
            problems.append(Problem(f"{where}:{number}", "a token", "a blank line", "delete the line"))
        elif token in first:
            found = f"{token!r} again (first on line {first[token]})"
            problems.append(Problem(f"{where}:{number}", "a token once", found, "delete or rename one of them"))
        elif "\n" in token:
            problems.append(Problem(f"{where}:{number}", "a token without line end", repr(token), "remove it"))
        else:
            first[token] = number
    missing = [token for token in SPECIAL_TOKENS if token not in first]
    if missing:
        found = f"no {' '.join(missing)}"
        problems.append(
            Problem(where, f"the special tokens {' '.join(SPECIAL_TOKENS)}", found, "add each on its own line")
        )
    return _shorten(problems, where)


def _shorten(problems: list[Problem], where: str) -> list[Problem]:
    if len(problems) <= MAX_PROBLEMS_SHOWN:
        return problems
    rest = len(problems) - MAX_PROBLEMS_SHOWN
    return [
        *problems[:MAX_PROBLEMS_SHOWN],
        Problem(where, "no further mistake", f"{rest} more lines like these", "mend them alike"),
    ]
