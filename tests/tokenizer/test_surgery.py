"""A model's vocabulary grows and shrinks with its embedding rows, decoder bias included."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, BertConfig, BertForPreTraining

from corpus.errors import UserError
from corpus.manifest import verify_manifest
from tokenizer import ChineseTokenizer, ExtendConfig, TrimConfig, Vocabulary, extend_vocabulary, trim_vocabulary
from tokenizer.vocabulary import SPECIAL_TOKENS

TOKENS = [
    *("[PAD]", "[unused1]", "[unused2]", *SPECIAL_TOKENS[1:]),
    *"语言模型的。，abcdefgi5",
    *(f"##{char}" for char in "语言模abcdefgi5A。"),
    *("ab", "##cd", "A", "é", "ａ", "[unused9x"),
]

TEXTS = ["语言模型，abcd的gif5。", "ABCDef 语 é", "a", "“语言”"]


def save_model(folder: Path, dtype: torch.dtype = torch.float32, tied: bool = True) -> BertForPreTraining:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        tie_word_embeddings=tied,
    )
    model = BertForPreTraining(config).to(dtype).eval()
    with torch.no_grad():
        model.cls.predictions.bias.normal_()
    model.save_pretrained(folder)
    ChineseTokenizer(Vocabulary(TOKENS)).save_pretrained(folder)
    (folder / "similar.json").write_text("{}")
    (folder / "README.md").write_text("mine")
    return model


def logits(model: BertForPreTraining, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids])).prediction_logits[0]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_new_rows_are_the_mean_of_the_old_pieces(tmp_path: Path, dtype: torch.dtype, tied: bool) -> None:
    save_model(tmp_path / "old", dtype, tied)
    result = extend_vocabulary(
        ExtendConfig(model=str(tmp_path / "old"), output=str(tmp_path / "new"), words=["abcd", "“", "GIF5"])
    )
    assert (result.added, result.into_unused, result.vocab_size) == (["abcd", "“", "gif5"], 2, len(TOKENS) + 1)
    old, new = load_file(tmp_path / "old" / "model.safetensors"), load_file(tmp_path / "new" / "model.safetensors")
    tokenizer = ChineseTokenizer.from_pretrained(tmp_path / "new")
    assert tokenizer.encode("abcd“gif5").input_ids.tolist() == [1, 2, len(TOKENS)]
    number = {token: row for row, token in enumerate(TOKENS)}
    pieces = {1: ["ab", "##cd"], 2: ["[UNK]"], len(TOKENS): ["g", "##i", "##f", "##5"]}
    checked = 0
    for name, tensor in old.items():
        if tensor.shape[0] != len(TOKENS):
            assert torch.equal(new[name], tensor)
            continue
        checked += 1
        for row in range(len(TOKENS) + 1):
            rows = [number[piece] for piece in pieces.get(row, [])] or [row]
            expected = tensor[rows].double().mean(0).to(dtype)
            assert torch.equal(new[name][row], expected), (name, row)
    assert checked == (2 if tied else 4)


def test_other_tokens_keep_their_predictions(tmp_path: Path) -> None:
    model = save_model(tmp_path / "old")
    extend_vocabulary(ExtendConfig(model=str(tmp_path / "old"), output=str(tmp_path / "new"), words=["abcd"]))
    changed, info = BertForPreTraining.from_pretrained(tmp_path / "new", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    ids = AutoTokenizer.from_pretrained(tmp_path / "new")("语言模型。")["input_ids"]
    same = [row for row in range(len(TOKENS)) if row != 1]
    assert torch.equal(logits(changed.eval(), ids)[:, same], logits(model, ids)[:, same])


def test_new_rows_may_be_made_from_a_given_text(tmp_path: Path) -> None:
    save_model(tmp_path / "old")
    (tmp_path / "words.txt").write_text("“\t。\n…\t的 。\n\n", encoding="utf-8")
    extend_vocabulary(
        ExtendConfig(
            model=str(tmp_path / "old"),
            output=str(tmp_path / "new"),
            words_file=str(tmp_path / "words.txt"),
            slots="new",
        )
    )
    rows = load_file(tmp_path / "new" / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    stop, of = TOKENS.index("。"), TOKENS.index("的")
    assert torch.equal(rows[len(TOKENS)], rows[stop])
    assert torch.equal(rows[len(TOKENS) + 1], rows[[of, stop]].double().mean(0).float())


def test_words_that_can_never_be_one_token_are_all_listed(tmp_path: Path) -> None:
    save_model(tmp_path / "old")
    wrong = ["语言", "a.b", "a b", "语", "\u200b", "AB"]
    with pytest.raises(UserError) as caught:
        extend_vocabulary(ExtendConfig(model=str(tmp_path / "old"), output=str(tmp_path / "new"), words=wrong))
    assert [problem.where for problem in caught.value.problems] == [f"--words {word}" for word in wrong]
    assert not (tmp_path / "new").exists()


def test_trimming_removes_what_no_text_can_give_and_nothing_else(tmp_path: Path) -> None:
    model = save_model(tmp_path / "old")
    trim_vocabulary(TrimConfig(model=str(tmp_path / "old"), output=str(tmp_path / "new"), keep_unused=False))
    before = ChineseTokenizer.from_pretrained(tmp_path / "old")
    after = ChineseTokenizer.from_pretrained(tmp_path / "new")
    gone = {"[unused1]", "[unused2]", "##语", "##言", "##模", "##A", "##。", "A", "é", "[unused9x"}
    assert set(before.vocab) - set(after.vocab) == gone
    rng = random.Random(0)
    texts = TEXTS + ["".join(rng.choice("语言模型的。，abcdefgi5 ABÉé“ａ") for _ in range(30)) for _ in range(500)]
    for text in texts:
        one, two = before.encode(text), after.encode(text)
        assert [before.vocab[i] for i in one.input_ids] == [after.vocab[i] for i in two.input_ids]
        assert one.offsets.tolist() == two.offsets.tolist()
    changed = BertForPreTraining.from_pretrained(tmp_path / "new").eval()
    assert changed.config.pad_token_id == after.pad_id
    rows = [before.vocabulary.ids[token] for token in after.vocab]
    found = logits(changed, after.encode(TEXTS[0]).input_ids.tolist())
    assert torch.allclose(found, logits(model, before.encode(TEXTS[0]).input_ids.tolist())[:, rows], atol=1e-6)


def test_the_folder_keeps_its_other_files_but_not_what_holds_old_numbers(tmp_path: Path) -> None:
    save_model(tmp_path / "old")
    trim_vocabulary(TrimConfig(model=str(tmp_path / "old"), output=str(tmp_path / "new")))
    assert (tmp_path / "new" / "README.md").read_text() == "mine"
    assert not (tmp_path / "new" / "similar.json").exists()
    assert verify_manifest(tmp_path / "new", "model") == []


def test_a_third_of_the_official_vocabulary_is_out_of_reach(official_vocabulary: Vocabulary) -> None:
    from tokenizer.surgery import reachable_tokens

    kept = reachable_tokens(ChineseTokenizer(official_vocabulary), keep_unused=True)
    gone = set(official_vocabulary.tokens) - {official_vocabulary.tokens[row] for row in kept}
    hanzi = {
        token
        for token in gone
        if len(token) == 3 and token[:2] == "##" and unicodedata.name(token[2]).startswith("CJK")
    }
    assert len(hanzi) == 7322
    assert 7322 < len(gone) < 0.4 * len(official_vocabulary)


@pytest.mark.parametrize("break_it", ["no weights", "other vocabulary"])
def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, break_it: str) -> None:
    save_model(tmp_path / "old")
    if break_it == "no weights":
        (tmp_path / "old" / "model.safetensors").rename(tmp_path / "old" / "pytorch_model.bin")
    else:
        ChineseTokenizer(Vocabulary(TOKENS[:-1])).save_pretrained(tmp_path / "old")
    with pytest.raises(UserError, match=r"pytorch_model\.bin" if break_it == "no weights" else "rows"):
        trim_vocabulary(TrimConfig(model=str(tmp_path / "old"), output=str(tmp_path / "new")))
