"""The collator for Hugging Face's Trainer, beside transformers' own on the same Chinese sentences."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.errors import UserError
from macbert.masking import DataCollatorForMacBert, MacMasking
from macbert.masking.texts import IdMarker, cut_at_word, text_marks
from tokenizer import ChineseTokenizer, SimilarWords, Vocabulary

TEXTS = [
    "使用语言模型来预测下一个词的概率。",
    "今年以来，全国各地的粮食生产形势很好，农民收入继续增加。",
    "李雷在北京大学工作，他说：“新年好！”第二天天气很好。",
    "我们要加强对外经济合作，推动社会发展，改善人民生活水平，保护自然环境。",
    "春天来了，花园里的花开了，孩子们在草地上跑来跑去，非常高兴。",
] * 4
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def tokenizer() -> ChineseTokenizer:
    characters = sorted({char for text in TEXTS for char in text})
    return ChineseTokenizer(Vocabulary([*SPECIAL, *characters, "hello", "world", "##ed"]))


@pytest.fixture(scope="module")
def similar(tokenizer: ChineseTokenizer) -> SimilarWords:
    def ids(word: str) -> list[int]:
        return tokenizer.encode(word).input_ids.tolist()

    pairs = [("语言", "模型"), ("预测", "工作"), ("概率", "天气"), ("全国", "北京"), ("生产", "发展"), ("孩子", "农民")]
    both = [*pairs, *((b, a) for a, b in pairs)]
    return SimilarWords.from_rows([(word, ids(word), [(other, ids(other), 0.9)]) for word, other in both])


def original(batch: dict[str, Any]) -> np.ndarray:
    labels = np.asarray(batch["labels"])
    return np.where(labels != -100, labels, np.asarray(batch["input_ids"]))


def test_transformers_masks_all_or_nothing_of_an_unspaced_sentence_and_ours_the_exact_budget(
    tokenizer: ChineseTokenizer,
) -> None:
    from transformers import DataCollatorForLanguageModeling, set_seed

    theirs_tokenizer = tokenizer.to_transformers()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Random token replacement is not supported")
        theirs = DataCollatorForLanguageModeling(theirs_tokenizer, whole_word_mask=True)
    ours = DataCollatorForMacBert(tokenizer, MacMasking(strategy="wwm+ngram"))
    set_seed(0)
    shares = set()
    chosen = budgets = 0
    for _ in range(20):
        for text in TEXTS[:5]:
            row = dict(theirs_tokenizer(text, return_special_tokens_mask=True, return_offsets_mapping=True))
            tokens = len(row["input_ids"]) - 2
            shares.add(int((theirs([dict(row)])["labels"] != -100).sum()) / tokens)
            for feature in (text, {"input_ids": row["input_ids"]}):
                found, budget = int((ours([feature])["labels"] != -100).sum()), 15 * tokens // 100
                # One token may be left for which no word is short enough.
                assert budget - 1 <= found <= budget
                chosen, budgets = chosen + found, budgets + budget
    assert shares == {0.0, 1.0}
    assert chosen > 0.95 * budgets


@pytest.mark.parametrize("strategy", ["mlm", "wwm", "wwm+ngram", "random", "mac"])
def test_every_strategy_masks_texts_within_the_budget(
    tokenizer: ChineseTokenizer, similar: SimilarWords, strategy: str
) -> None:
    collator = DataCollatorForMacBert(tokenizer, MacMasking(strategy=strategy), similar=similar, seed=1)
    batch = collator.numpy_batch(TEXTS)
    assert set(batch) == {"input_ids", "token_type_ids", "attention_mask", "labels"}
    plain = original(batch)
    for row, text in enumerate(TEXTS):
        size = len(tokenizer.encode(text).input_ids)
        expected = [tokenizer.cls_id, *tokenizer.encode(text).input_ids, tokenizer.sep_id]
        assert plain[row, : size + 2].tolist() == expected
        assert (batch["attention_mask"][row].sum(), batch["labels"][row, size + 2 :].max(initial=-100)) == (
            size + 2,
            -100,
        )
        assert int((batch["labels"][row] != -100).sum()) <= 15 * size // 100
    has_mask = bool((batch["input_ids"] == tokenizer.mask_id).any())
    assert has_mask == (strategy not in ("mac", "random"))


def test_a_text_and_its_tokenized_row_are_masked_alike(tokenizer: ChineseTokenizer, similar: SimilarWords) -> None:
    collator = DataCollatorForMacBert(tokenizer, similar=similar, seed=1)
    theirs = tokenizer.to_transformers()
    encoded = tokenizer.encode_batch(TEXTS)
    marks = text_marks(encoded)
    forms: list[list[Any]] = [
        TEXTS,
        [{"text": text} for text in TEXTS],
        [{"input_ids": encoded[i].input_ids} for i in range(len(TEXTS))],
        [
            {
                "input_ids": encoded[i].input_ids,
                "word_starts": encoded[i].word_starts,
                "sentence_starts": marks[encoded.bounds[i] : encoded.bounds[i + 1]] & 4 > 0,
            }
            for i in range(len(TEXTS))
        ],
    ]
    batches = [collator.numpy_batch(form) for form in forms]
    for batch in batches[1:]:
        assert all((batch[name] == batches[0][name]).all() for name in batch)
    # Special tokens and padding that are there already stay, and are no text.
    padded = theirs(TEXTS, padding=True)
    rows = [{name: padded[name][i] for name in padded} for i in range(len(TEXTS))]
    batch = collator.numpy_batch(rows)
    assert (original(batch) == np.array(padded["input_ids"])).all()


def test_words_are_found_again_from_ids(tokenizer: ChineseTokenizer) -> None:
    marker = IdMarker(tokenizer)
    encoded = tokenizer.encode_batch(TEXTS)
    marks = text_marks(encoded)
    for i in range(len(TEXTS)):
        tokens = slice(encoded.bounds[i], encoded.bounds[i + 1])
        assert marker.marks(encoded.input_ids[tokens].astype(np.int64)).tolist() == marks[tokens].tolist()
    latin = tokenizer.encode("hello worlded world")
    words = marker.marks(latin.input_ids.astype(np.int64)) & 2 > 0
    assert words.tolist() == [True, True, False, True]


def test_rows_of_one_batch_may_know_their_words_or_not_and_be_padded_on_the_left(
    tokenizer: ChineseTokenizer, similar: SimilarWords
) -> None:
    collator = DataCollatorForMacBert(tokenizer, similar=similar, seed=1)
    alone, rows = [], []
    for number, text in enumerate(TEXTS[:5]):
        encoding = tokenizer.encode(text)
        ids = [tokenizer.cls_id, *encoding.input_ids.tolist(), tokenizer.sep_id]
        row: dict[str, Any] = {"input_ids": ids}
        if number % 2:
            row["word_starts"] = [False, *encoding.word_starts.tolist(), False]
        alone.append(row)
        pads = [tokenizer.pad_id] * number
        rows.append(
            {
                "input_ids": [*pads, *ids],
                "attention_mask": [0] * number + [1] * len(ids),
                **({"word_starts": [False] * number + row["word_starts"]} if number % 2 else {}),
            }
        )
    expected, found = collator.numpy_batch(alone), collator.numpy_batch(rows)
    assert all((expected[name] == found[name]).all() for name in expected)
    for number, row in enumerate(alone):
        one = collator.numpy_batch([row])
        length = len(row["input_ids"])
        assert all((found[name][number, :length] == one[name][0]).all() for name in one)
    with pytest.raises(ValueError, match=r"row 1 of the batch: word_starts has 2 entries for 3 input_ids"):
        collator([{"input_ids": [2, 6, 3]}, {"input_ids": [2, 6, 3], "word_starts": [True, False]}])


def test_ids_that_the_tokenizer_lacks_are_refused(tokenizer: ChineseTokenizer) -> None:
    collator = DataCollatorForMacBert(tokenizer, MacMasking(strategy="wwm"))
    for wrong in (-100, len(tokenizer.vocab)):
        with pytest.raises(ValueError, match=rf"input_ids go from .*{wrong}.*; the tokenizer has 0 to"):
            collator([{"input_ids": [2, 7, wrong, 3]}])


def test_a_seed_fixes_the_masks_by_epoch_and_none_follows_torch(tokenizer: ChineseTokenizer) -> None:
    import torch

    masking = MacMasking(strategy="wwm")

    def masks(collator: DataCollatorForMacBert, texts: list[str] = TEXTS) -> list[list[int]]:
        return collator(texts)["labels"].tolist()

    seeded = DataCollatorForMacBert(tokenizer, masking, seed=5)
    first = masks(seeded)
    assert first == masks(seeded) == masks(DataCollatorForMacBert(tokenizer, masking, seed=5))
    assert first[:5] != masks(DataCollatorForMacBert(tokenizer, masking, seed=6))[:5]
    # The same row is masked the same in any batch.
    assert masks(seeded, [max(TEXTS, key=len)])[0] == first[TEXTS.index(max(TEXTS, key=len))]
    seeded.epoch = 1
    assert first != masks(seeded)

    free = DataCollatorForMacBert(tokenizer, masking)
    torch.manual_seed(0)
    drawn = masks(free)
    assert drawn != masks(free)
    torch.manual_seed(0)
    assert drawn == masks(free)


def test_sentence_pairs_for_bert_for_pretraining(tokenizer: ChineseTokenizer) -> None:
    collator = DataCollatorForMacBert(tokenizer, MacMasking(strategy="wwm"), sop=True)
    text, single = TEXTS[2], TEXTS[0]
    ids = tokenizer.encode(text).input_ids.tolist()
    labels = set()
    for _ in range(40):
        batch = collator.numpy_batch([text, single])
        assert batch["next_sentence_label"][1] == -100
        row = original(batch)[0].tolist()
        middle, end = (place for place, token in enumerate(row) if token == tokenizer.sep_id)
        a, b = row[1:middle], row[middle + 1 : end]
        label = int(batch["next_sentence_label"][0])
        assert (b + a if label else a + b) == ids
        assert batch["token_type_ids"][0].tolist() == [0] * (middle + 1) + [1] * (end - middle)
        labels.add(label)
    assert labels == {0, 1}


def test_long_texts_are_cut_at_a_word_and_batches_padded_to_a_multiple(tokenizer: ChineseTokenizer) -> None:
    collator = DataCollatorForMacBert(tokenizer, MacMasking(strategy="wwm"), max_length=20, pad_to_multiple_of=8)
    batch = collator.numpy_batch(TEXTS)
    assert batch["input_ids"].shape[1] == 24
    assert batch["attention_mask"].sum(axis=1).max() <= 20
    assert cut_at_word(np.array([7, 1, 1, 1], np.uint8), 2) == 2


def test_a_tokenizer_of_transformers_or_a_folder_will_do(tokenizer: ChineseTokenizer, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    masking = MacMasking(strategy="wwm")
    batches = [
        DataCollatorForMacBert(given, masking, seed=1).numpy_batch(TEXTS)
        for given in (tokenizer, tokenizer.to_transformers(), str(tmp_path))
    ]
    for batch in batches[1:]:
        assert all((batch[name] == batches[0][name]).all() for name in batch)


def test_mac_without_similar_words_is_refused(tokenizer: ChineseTokenizer) -> None:
    with pytest.raises(UserError, match="similar words for strategy mac"):
        DataCollatorForMacBert(tokenizer)


def test_a_plain_trainer_script_trains_a_bert_model(
    tokenizer: ChineseTokenizer, similar: SimilarWords, tmp_path: Path
) -> None:
    from transformers import BertConfig, BertForMaskedLM, Trainer, TrainingArguments

    config = BertConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    trainer = Trainer(
        model=BertForMaskedLM(config),
        args=TrainingArguments(
            output_dir=str(tmp_path),
            max_steps=30,
            per_device_train_batch_size=10,
            learning_rate=5e-3,
            logging_steps=1,
            save_strategy="no",
            remove_unused_columns=False,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
            dataloader_pin_memory=False,
            seed=1,
        ),
        data_collator=DataCollatorForMacBert(tokenizer, similar=similar, max_length=64),
        train_dataset=[{"text": text} for text in TEXTS],
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
