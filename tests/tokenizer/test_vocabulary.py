"""A vocabulary file is checked line by line, and every mistake is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.errors import UserError
from tokenizer import Vocabulary
from tokenizer.vocabulary import SPECIAL_TOKENS

GOOD = [*SPECIAL_TOKENS, "[unused1]", "语", "##言", "。", "\u2028"]


def write(folder: Path, lines: list[str], end: str = "\n") -> Path:
    path = folder / "vocab.txt"
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def test_a_file_is_split_at_line_feeds_only(tmp_path: Path) -> None:
    assert Vocabulary.load(write(tmp_path, GOOD)).tokens == GOOD


def test_a_saved_vocabulary_reads_back(tmp_path: Path) -> None:
    Vocabulary(GOOD).save(tmp_path / "vocab.txt")
    assert Vocabulary.load(tmp_path / "vocab.txt").tokens == GOOD


def test_a_missing_last_line_end_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes("\n".join(GOOD).encode())
    assert Vocabulary.load(path).tokens == GOOD


def test_special_and_symbol_tokens_are_marked() -> None:
    vocabulary = Vocabulary([*GOOD, "##%", "##"])
    assert [t for t, m in zip(vocabulary.tokens, vocabulary.special_mask, strict=True) if m] == GOOD[:6]
    assert [t for t, m in zip(vocabulary.tokens, vocabulary.symbol_mask, strict=True) if m] == [
        "。",
        "\u2028",
        "##%",
        "##",
    ]


@pytest.mark.parametrize(
    ("lines", "where", "found"),
    [
        ([*GOOD[:6], "", "语"], ":7", "a blank line"),
        ([*GOOD[:6], "语", " \t"], ":8", "a blank line"),
        ([*GOOD, "语"], f":{len(GOOD) + 1}", "'语' again (first on line 7)"),
        ([t for t in GOOD if t != "[MASK]"], "", "no [MASK]"),
        (["\ufeff[PAD]", *GOOD], ":1", "a byte order mark"),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path: Path, lines: list[str], where: str, found: str) -> None:
    path = write(tmp_path, lines)
    with pytest.raises(UserError) as caught:
        Vocabulary.load(path)
    assert (f"{path}{where}", found) in [(problem.where, problem.found) for problem in caught.value.problems]


def test_every_windows_line_end_is_refused_with_its_number(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD[:8], end="\r\n")
    with pytest.raises(UserError) as caught:
        Vocabulary.load(path)
    assert [problem.where for problem in caught.value.problems] == [f"{path}:{n}" for n in range(1, 9)]


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes("\n".join(GOOD[:7]).encode() + b"\n" + "言".encode("gbk") + b"\n")
    with pytest.raises(UserError, match=r"vocab.txt:8: expected UTF-8"):
        Vocabulary.load(path)


def test_a_long_list_of_mistakes_is_cut_with_a_count(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        Vocabulary.load(write(tmp_path, [*GOOD, *["语"] * 100]))
    assert len(caught.value.problems) == 21
    assert "80 more" in caught.value.problems[-1].found


def test_a_folder_or_nothing_is_refused(tmp_path: Path) -> None:
    for path, found in ((tmp_path, "a folder"), (tmp_path / "none", "nothing")):
        with pytest.raises(UserError, match=found):
            Vocabulary.load(path)
