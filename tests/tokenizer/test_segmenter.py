"""The backends give jieba's boundaries on every text, with and without a user's dictionary."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import UserError
from tokenizer import load_segmenter
from tokenizer.jieba_model import new_jieba, read_dictionary
from tokenizer.segmenter import words
from tokenizer.user_words import UserWord, read_user_words

JIEBA = new_jieba()
FAST = {name: load_segmenter(name) for name in ("compiled", "rjieba")}

# Where rjieba alone differs: rounded probabilities (the first two), Latin joined over signs, characters outside
# jieba's range, words whose path is single characters; and what jieba does with line ends.
HARD = [
    *("巴金常在此会见中外宾客", "长长长长长长长，朝朝朝朝朝朝朝朝朝散", "声音常在我的耳边响起"),
    *("3-4岁2005-2008年www.a_b.com.cn", "T恤AA制C++和c#，3.14%涨12.5.6%%", "e-mail:a.b@c.com"),
    *("㐀㐁𠀀龦鿖豈和汉字", "两岸\r\n\r\n一\r\r\n家\n亲", "1.2.3...4%5%%.6", "　全角１２３ＡＢＣ"),
    *("a", "常", "", "--", "…—…", "\u200b语\u200b言", "他来到了网易杭研大厦", "AI时代的iPhone15Pro"),
]

mixed_text = st.lists(
    st.one_of(
        st.sampled_from([*HARD, *"的一是不了人我在有他这为之大来以个中上们年3.-_%+#&aB /", "\r\n", "中国", "人民"]),
        st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=6),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    ),
    max_size=10,
).map("".join)


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("text", HARD)
def test_hard_texts_are_cut_as_by_jieba(name: str, text: str) -> None:
    assert words(FAST[name], text) == JIEBA.lcut(text)


@settings(max_examples=300, deadline=None)
@given(text=mixed_text)
def test_any_text_is_cut_as_by_jieba(text: str) -> None:
    expected = JIEBA.lcut(text)
    for segmenter in FAST.values():
        assert words(segmenter, text) == expected


def test_random_words_and_characters_are_cut_as_by_jieba() -> None:
    rng = random.Random(7)
    known = sorted(read_dictionary()[0])
    common = [word for word in known if len(word) == 1]
    texts = ["".join(rng.choice(known if rng.random() < 0.5 else common) for _ in range(12)) for _ in range(1500)]
    expected = [JIEBA.lcut(text) for text in texts]
    for segmenter in FAST.values():
        assert [words(segmenter, text) for text in texts] == expected


def test_a_batch_is_cut_as_its_texts_alone() -> None:
    texts = ["中国人", "民", "", "常在", "此3", ".14", "\r", "\n语言", ""]
    for segmenter in [*FAST.values(), load_segmenter("jieba"), load_segmenter("char")]:
        alone = np.concatenate([segmenter.starts([text]) for text in texts])
        assert segmenter.starts(texts).tolist() == alone.tolist()
        assert segmenter.starts([]).tolist() == []


def write_dictionary(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def user_lines() -> list[str]:
    rng = random.Random(3)
    known, _ = read_dictionary()
    again = rng.sample(sorted(word for word in known if len(word) > 1), 300)
    new = ["".join(rng.sample("云计算大模型语言预训练网易杭研区块链", 3)) for _ in range(60)]
    return [
        *(f"{word} 50" for word in again[:200]),
        *again[200:],
        *(f"{word} {rng.randint(1, 9000)} n" for word in dict.fromkeys(new)),
        "杭研大厦",
        "网易杭 3 nz",
        "C语言 10",
    ]


@pytest.mark.parametrize("name", FAST)
def test_a_user_dictionary_is_applied_as_by_jieba(name: str, tmp_path: Path, user_lines: list[str]) -> None:
    path = write_dictionary(tmp_path / "user.txt", user_lines)
    expected_by = new_jieba()
    with path.open("rb") as stream:
        expected_by.load_userdict(stream)
    segmenter = load_segmenter(name, path)
    rng = random.Random(5)
    pool = [*(line.split(" ")[0] for line in user_lines), *"的了在是和", "网易", "大厦", "大", "模型", "计算", "小明"]
    texts = ["".join(rng.choice(pool) for _ in range(10)) for _ in range(800)]
    assert [words(segmenter, text) for text in texts] == [expected_by.lcut(text) for text in texts]


def test_latin_user_words_are_cut_as_by_jieba_or_refused_with_the_reason(tmp_path: Path) -> None:
    path = write_dictionary(tmp_path / "user.txt", ["iPhone15 100", "AI"])
    expected_by = new_jieba(read_user_words(path))
    text = "新AIGC和iPhone15ProAI时代"
    assert words(load_segmenter("compiled", path), text) == expected_by.lcut(text)
    with pytest.raises(UserError, match="Latin words such as 'AI'"):
        load_segmenter("rjieba", path)


def test_every_bad_line_of_a_user_dictionary_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "user.txt"
    path.write_bytes("云计算 5 n\n\n语·言 3\n云计算\n模型 0\n大 模型 5\n".encode() + "语言".encode("gbk") + b"\n")
    with pytest.raises(UserError) as caught:
        read_user_words(path)
    assert [(p.where.rpartition(":")[2], p.found) for p in caught.value.problems] == [
        ("3", "'·' in '语·言'"),
        ("4", "'云计算' again (first on line 1)"),
        ("5", "0"),
        ("6", "' ' in '大 模型'"),
        ("7", "byte 0xd3"),
    ]


def test_a_good_user_dictionary_is_read(tmp_path: Path) -> None:
    path = write_dictionary(tmp_path / "user.txt", ["\ufeff云计算 5 n", "", "大模型", "C++ 7"])
    assert read_user_words(path) == [UserWord("云计算", 5), UserWord("大模型", None), UserWord("C++", 7)]


def test_a_function_may_leave_out_white_space_but_nothing_else() -> None:
    assert words(load_segmenter(str.split), "使用 语言\n 模型") == ["使用", " ", "语言", "\n", " ", "模型"]
    for cut in (lambda text: ["语言", "使用"], lambda text: ["使用"], lambda text: ["用", "语言"]):
        with pytest.raises(ValueError, match="segmenter"):
            load_segmenter(cut).starts(["使用语言"])


def test_an_unknown_name_or_a_dictionary_for_characters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one of compiled, rjieba, jieba, char"):
        load_segmenter("ltp")
    with pytest.raises(UserError, match="a segmenter with one"):
        load_segmenter("char", write_dictionary(tmp_path / "user.txt", ["云计算"]))
