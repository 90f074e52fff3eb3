"""Ids and offsets are those of transformers' BertTokenizer, for every text; offsets index the original text."""

from __future__ import annotations

import pickle
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertTokenizer

from corpus.errors import UserError
from tokenizer import ChineseTokenizer, Vocabulary
from tokenizer.lookup import LookupEncoder
from tokenizer.vocabulary import SPECIAL_TOKENS

LETTERS = "abcdefghijklmnopqrstuvwxyzABC0123456789éß"
SMALL = Vocabulary(
    [
        *SPECIAL_TOKENS,
        *LETTERS,
        *(f"##{c}" for c in LETTERS),
        *"使用语言模型来预测下一个词的概率恤。，！=~[]-./￥か",
        *("hello", "wor", "##ld", "se", "ᄀ", "##ᅡ"),
    ]
)

PIECES = [
    *("使用", "语言", "模型", "T恤", "3.14", "hello", "HELLO", "world", "[SEP]", "[MASK]", "##", "[unused1]"),
    *(" ", "\t", "\r\n", "\u3000", "\u2028", "\x85", "\x00", "\ufffd", "\u200b", "\u200d", "\ufeff", "\u00ad"),
    *("é", "e\u0301", "\u0301", "İ", "ß", "ﬁ", "Å", "ẛ̣", "≠", "=\u0338", ";", "`", "\u302e", "\u3099"),
    *("가", "각", "か\u3099", "が", "ガ", "ｶﾞ", "豈", "𠀀", "🏳️‍🌈", "👨‍👩‍👧", "１２３ＡＢＣ", "㎡", "①", "ไทย", "עברית"),
    *("“", "”", "—", "…", "￥", "$", "^", "°", "·", "a" * 100, "a" * 101, "语" * 3),
]

MODELS = {
    (lower, strip): ChineseTokenizer(SMALL, lowercase=lower, strip_accents=strip)
    for lower, strip in [(True, None), (False, None), (True, False), (False, True)]
}


def reference(tokenizer: ChineseTokenizer, texts: list[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
    found = tokenizer.to_transformers()(texts, add_special_tokens=False, return_offsets_mapping=True)
    offsets = [[(int(a), int(b)) for a, b in row] for row in found["offset_mapping"]]
    return list(zip(found["input_ids"], offsets, strict=True))


def ours(tokenizer: ChineseTokenizer, texts: list[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
    return [
        (e.input_ids.tolist(), [(int(a), int(b)) for a, b in e.offsets.tolist()]) for e in tokenizer.encode_batch(texts)
    ]


unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
mixed_text = st.lists(st.one_of(st.sampled_from(PIECES), unicode_text), max_size=12).map("".join)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(mixed_text, min_size=1, max_size=4))
def test_any_text_has_the_ids_and_offsets_of_transformers(texts: list[str]) -> None:
    for tokenizer in MODELS.values():
        assert ours(tokenizer, texts) == reference(tokenizer, texts)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_every_third_code_point_between_neighbours_is_as_in_transformers(model: tuple[bool, bool | None]) -> None:
    # Every code point in the slow test; a third of them, other ones for each model, always.
    first = list(MODELS).index(model) % 3
    points = [c for c in range(first, 0x30000, 3) if not 0xD800 <= c < 0xE000]
    texts = [
        "".join(f"a{chr(c)}e{chr(c)}\u0301语{chr(c)}" for c in points[s : s + 64]) for s in range(0, len(points), 64)
    ]
    assert ours(MODELS[model], texts) == reference(MODELS[model], texts)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_every_code_point_between_neighbours_is_as_in_transformers(model: tuple[bool, bool | None]) -> None:
    points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    texts = [
        "".join(f"a{chr(c)}语{chr(c)}{chr(c)}\u0301 {chr(c)}b" for c in points[s : s + 256])
        for s in range(0, len(points), 256)
    ]
    assert ours(MODELS[model], texts) == reference(MODELS[model], texts)


@settings(max_examples=60, deadline=None)
@given(text=mixed_text)
def test_one_text_is_encoded_as_in_a_batch(text: str) -> None:
    tokenizer = MODELS[True, None]
    alone, batched = tokenizer.encode(text), tokenizer.encode_batch(["语a", text, "b"])[1]
    assert alone.input_ids.tolist() == batched.input_ids.tolist()
    assert alone.offsets.tolist() == batched.offsets.tolist()
    assert alone.word_starts.tolist() == batched.word_starts.tolist()


@settings(max_examples=60, deadline=None)
@given(text=mixed_text)
def test_offsets_index_the_original_text(text: str) -> None:
    encoding = MODELS[False, None].encode(text)
    assert all(0 <= start < end <= len(text) for start, end in encoding.offsets.tolist())
    for token, (start, end) in zip(encoding.input_ids, encoding.offsets.tolist(), strict=True):
        written = MODELS[False, None].vocab[token].removeprefix("##")
        if token != SMALL.unk_id and end - start == len(written):
            assert unicodedata.normalize("NFC", text[start:end]) == unicodedata.normalize("NFC", written)


def test_the_official_vocabulary_gives_transformers_ids(official_vocabulary: Vocabulary) -> None:
    for lowercase in (True, False):
        tokenizer = ChineseTokenizer(official_vocabulary, lowercase=lowercase)
        assert ours(tokenizer, PIECES) == reference(tokenizer, PIECES)


def test_the_caches_start_again_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenizer.lookup.MAX_CACHED_CHARACTERS", 50)
    tokenizer = ChineseTokenizer(SMALL)
    texts = [f"语{number:x}言{number * 7:x} hello" for number in range(200)]
    for start in range(0, 200, 10):
        part = texts[start : start + 10]
        assert ours(tokenizer, part) == reference(tokenizer, part)
    encoder = tokenizer._encoder
    assert isinstance(encoder, LookupEncoder)
    assert encoder._runs.key_count < 400  # twice a call of some 200 characters


def test_words_begin_where_the_segmenter_says_and_never_inside_a_token() -> None:
    text = "使用语言模型hello world，3.14的T恤"
    encoding = MODELS[True, None].encode(text)
    tokens = [SMALL.tokens[i] for i in encoding.input_ids]
    words, current = [], ""
    for token, start in zip(tokens, encoding.word_starts, strict=True):
        if start and current:
            words.append(current)
            current = ""
        current += token.removeprefix("##")
    assert [*words, current] == ["使用", "语言", "模型", "hello", "world", "，", "3.14", "的", "t恤"]
    by_halves = ChineseTokenizer(SMALL, segmenter=lambda text: ["he", "llo语", "言"])
    assert by_halves.encode("hello语言").word_starts.tolist() == [True, False, True]


def test_an_empty_text_has_no_tokens() -> None:
    for text in ("", " \n", "\u200b"):
        encoding = MODELS[True, None].encode(text)
        assert encoding.input_ids.tolist() == [] == encoding.word_starts.tolist()
        assert encoding.offsets.shape == (0, 2)


def test_a_lone_surrogate_is_refused_by_place() -> None:
    with pytest.raises(ValueError, match=r"lone surrogate \(U\+D83D\) at character 2"):
        MODELS[True, None].encode("语言\ud83d")


def test_arrays_have_the_documented_types() -> None:
    encoding = MODELS[True, None].encode("语言")
    assert (encoding.input_ids.dtype, encoding.offsets.dtype) == (np.int32, np.int32)
    assert encoding.word_starts.dtype == np.bool_


def test_a_saved_folder_is_what_transformers_writes_and_loads(tmp_path: Path) -> None:
    for lowercase in (True, False):
        tokenizer = ChineseTokenizer(SMALL, lowercase=lowercase)
        mine, theirs = tmp_path / f"mine{lowercase}", tmp_path / f"theirs{lowercase}"
        tokenizer.save_pretrained(mine)
        tokenizer.to_transformers().save_pretrained(theirs)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            assert (mine / name).read_text() == (theirs / name).read_text(), name
        loaded = AutoTokenizer.from_pretrained(mine)
        assert isinstance(loaded, BertTokenizer)
        assert loaded("Hello语言[SEP]")["input_ids"][1:-1] == tokenizer.encode("Hello语言[SEP]").input_ids.tolist()
        for folder in (mine, theirs):  # theirs has no vocab.txt
            again = ChineseTokenizer.from_pretrained(folder)
            assert (again.vocab, again.lowercase) == (tokenizer.vocab, lowercase)


def test_a_tokenizer_crosses_processes() -> None:
    again = pickle.loads(pickle.dumps(MODELS[False, True]))
    assert ours(again, PIECES) == ours(MODELS[False, True], PIECES)


@pytest.mark.parametrize(
    ("text", "found"),
    [("{", "no tokenizer.json"), ('{"model": {"type": "BPE", "vocab": {}}}', "a BPE model")],
)
def test_a_foreign_tokenizer_is_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(UserError, match=found):
        ChineseTokenizer.from_pretrained(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected vocab.txt or tokenizer.json"):
        ChineseTokenizer.from_pretrained(tmp_path)
