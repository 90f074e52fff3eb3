"""``macbert tokenizer inspect``: what is shown is what masking did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import UserError
from macbert.masking import InspectConfig, inspect_text
from macbert.masking.inspection import Inspection
from tokenizer import ChineseTokenizer, Lexicon, SimilarWords, Vocabulary

TEXT = "使用语言模型来预测下一个词的概率。她说：“好！”Hello 世界，明天见。"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer folder with a lexicon and a table of similar words, as the commands leave it."""
    folder = tmp_path_factory.mktemp("tokenizer")
    characters = sorted({char for char in TEXT if char > "\x7f"} | set("语法建见几"))
    tokenizer = ChineseTokenizer(Vocabulary([*SPECIAL, *characters, "hello"]))
    tokenizer.save_pretrained(folder)

    def ids(word: str) -> list[int]:
        return tokenizer.encode(word).input_ids.tolist()

    words = ["使用", "语言", "模型", "预测", "概率", "世界", "语法", "建模", "预见", "几率", "来", "的", "词", "好"]
    Lexicon.from_counts(words, np.arange(len(words), 0, -1), tokenizer).save(folder)
    pairs = [("语言", "语法"), ("模型", "建模"), ("预测", "预见"), ("概率", "几率"), ("使用", "世界"), ("世界", "使用")]
    SimilarWords.from_rows([(word, ids(word), [(other, ids(other), 0.9)]) for word, other in pairs]).save(folder)
    return folder


def inspect(folder: Path, **settings: object) -> Inspection:
    return inspect_text(InspectConfig(**{"text": TEXT, "tokenizer": str(folder), **settings}))


def test_words_cover_the_text_and_chosen_ones_tell_what_became_of_them(folder: Path) -> None:
    outcomes = set()
    for epoch in range(30):
        found = inspect(folder, epoch=epoch, mlm_probability=0.3)
        assert "".join(TEXT[word.start : word.end] for word in found.words) == TEXT.replace(" ", "")
        assert [word.text for word in found.words][:5] == ["使用", "语言", "模型", "来", "预测"]
        chosen = [word for word in found.words if word.chosen]
        assert sum(len(word.tokens) for word in chosen) == found.counts.chosen <= found.counts.budget
        for word in found.words:
            assert (word.unit is None) == (word.text in "。：“！”，")
            if word.outcome == "similar":
                assert word.new_text in [other for other, _ in word.similar]
            elif word.outcome in ("", "kept"):
                assert word.replacement == word.tokens
            else:
                assert word.replacement != word.tokens
            outcomes.add(word.outcome)
    assert outcomes == {"", "similar", "random", "kept", "fallback"}


def test_the_masked_text_keeps_what_was_not_replaced(folder: Path) -> None:
    # A budget of no token at all: case, spaces and quotation marks stand as they were.
    assert inspect(folder, mlm_probability=0.01).masked_text == TEXT


def test_the_same_seed_and_epoch_show_the_same_masks(folder: Path) -> None:
    shown = [inspect(folder, seed=seed, epoch=epoch).as_json() for seed, epoch in ((1, 2), (1, 2), (1, 3), (2, 2))]
    assert shown[0] == shown[1]
    assert shown[0] != shown[2] != shown[3] != shown[0]


def test_it_is_json_and_lines(folder: Path) -> None:
    found = inspect(folder)
    assert json.loads(json.dumps(found.as_json(), ensure_ascii=False))["counts"]["chosen"] == found.counts.chosen
    screen = "\n".join(found.lines())
    assert "使用" in screen
    assert "\x1b" not in screen, "colour only on a terminal"
    for word in found.words:
        if word.chosen and word.replacement != word.tokens:
            assert f"{word.text}→{word.new_text}" in screen.replace("\n", "")


def test_masks_of_the_other_strategies_are_shown(folder: Path) -> None:
    found = inspect(folder, strategy="wwm", mlm_probability=0.5)
    assert any("masked" in word.outcomes for word in found.words)
    assert "[MASK]" in found.masked_text


def test_a_text_longer_than_a_row_is_shown_whole(folder: Path) -> None:
    text = TEXT.replace(" ", "") * 30
    found = inspect(folder, text=text)
    assert "".join(word.text for word in found.words) == text
    assert found.counts.rows == 2


def test_a_model_restores_the_chosen_words(folder: Path, tmp_path: Path) -> None:
    from macbert.modeling import MacBertForPreTraining, model_config

    size = ChineseTokenizer.from_pretrained(folder).vocab_size
    MacBertForPreTraining(model_config("tiny", vocab_size=size)).save_pretrained(tmp_path)
    found = inspect(folder, model=str(tmp_path))
    chosen = [word for word in found.words if word.chosen]
    assert all(word.restored is not None and len(word.restored) == len(word.tokens) for word in chosen)
    right, total = found.restored or (0, 0)
    assert total == found.counts.chosen
    assert right == sum(a == b for word in chosen for a, b in zip(word.tokens, word.restored or [], strict=True))
    assert f"{right} of {total} tokens" in "\n".join(found.lines())


def test_what_is_wrong_is_said(folder: Path, tmp_path: Path) -> None:
    from macbert.modeling import MacBertForPreTraining, model_config

    with pytest.raises(UserError, match="--text"):
        inspect(folder, text="  ")
    with pytest.raises(UserError, match="expected a vocabulary file"):
        inspect(tmp_path / "nothing")
    ChineseTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "bare")
    with pytest.raises(UserError, match="similar-word table for strategy mac"):
        inspect(tmp_path / "bare")
    MacBertForPreTraining(model_config("tiny", vocab_size=10)).save_pretrained(tmp_path / "model")
    with pytest.raises(UserError, match="vocabulary entries"):
        inspect(folder, model=str(tmp_path / "model"))
