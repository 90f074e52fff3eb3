"""A trained vocabulary holds every frequent character, and the folder is what transformers reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from corpus.errors import UserError
from corpus.manifest import verify_manifest
from corpus.reading import read_documents
from tokenizer import ChineseTokenizer, Lexicon, TrainTokenizerConfig, train_tokenizer


def test_every_character_seen_often_enough_is_a_token(corpus_folder: Path, tokenizer: ChineseTokenizer) -> None:
    counts = Counter("".join(document.text.lower() for document in read_documents(corpus_folder)))
    frequent = {char for char, count in counts.items() if count >= 2 and not char.isspace()}
    assert frequent - set(tokenizer.vocab) == set()


def test_the_corpus_has_no_unknown_tokens(corpus_folder: Path, tokenizer: ChineseTokenizer) -> None:
    encoded = tokenizer.encode_batch([document.text for document in read_documents(corpus_folder)])
    assert not (encoded.input_ids == tokenizer.unk_id).any()


def test_a_small_vocabulary_keeps_the_most_frequent_characters(
    write_corpus: Callable[..., Path], tmp_path: Path
) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"a": ["一" * 9 + "二" * 8 + "三" * 7 + "四" * 6 + "五" * 5] * 2})
    config = TrainTokenizerConfig(input=str(corpus), output=str(tmp_path / "out"), vocab_size=18, unused=2)
    with pytest.raises(UserError, match="vocab-size"):
        TrainTokenizerConfig(input="a", output="b", vocab_size=17, unused=2)
    result = train_tokenizer(config)
    assert (result.vocab_size, result.characters, result.characters_in_vocabulary) == (12, 5, 5)
    tokens = ChineseTokenizer.from_pretrained(tmp_path / "out").vocab
    assert tokens[:7] == ["[PAD]", "[unused1]", "[unused2]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert set(tokens[7:]) == set("一二三四五")


def test_the_folder_is_sound_and_loads_in_transformers(tokenizer_folder: Path, tokenizer: ChineseTokenizer) -> None:
    assert verify_manifest(tokenizer_folder, "tokenizer") == []
    loaded = AutoTokenizer.from_pretrained(tokenizer_folder)
    assert loaded.get_vocab() == tokenizer.vocabulary.ids


def test_the_same_bytes_for_any_number_of_workers(corpus_folder: Path, tokenizer_folder: Path, tmp_path: Path) -> None:
    settings = {"input": str(corpus_folder), "vocab_size": 400, "unused": 3}
    train_tokenizer(TrainTokenizerConfig(**settings, output=str(tmp_path / "two"), workers=2))
    names = sorted(path.name for path in tokenizer_folder.iterdir())
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == names
    for name in names:
        assert (tmp_path / "two" / name).read_bytes() == (tokenizer_folder / name).read_bytes(), name


def test_the_lexicon_counts_the_words_of_the_corpus(
    corpus_folder: Path, tokenizer_folder: Path, tokenizer: ChineseTokenizer
) -> None:
    lexicon = Lexicon.load(tokenizer_folder, tokenizer)
    counts: Counter[str] = Counter()
    for document in read_documents(corpus_folder):
        encoding = tokenizer.encode(document.text)
        word: list[int] = []
        for token, start in [*zip(encoding.input_ids.tolist(), encoding.word_starts, strict=True), (0, True)]:
            if start and word:
                counts[tokenizer.decode_word(word)] += 1
                word = []
            word.append(token)
    symbols = tokenizer.vocabulary.symbol_mask
    expected = {w: n for w, n in counts.items() if not symbols[tokenizer.encode(w).input_ids].all()}
    assert dict(zip(lexicon.words, lexicon.counts.tolist(), strict=True)) == expected
    assert lexicon.counts.tolist() == sorted(lexicon.counts.tolist(), reverse=True)
    for row in (0, 5, len(lexicon) - 1):
        ids = lexicon.ids[lexicon.offsets[row] : lexicon.offsets[row + 1]]
        assert ids.tolist() == tokenizer.encode(lexicon.words[row]).input_ids.tolist()


def test_bad_lexicon_lines_are_listed(tmp_path: Path, tokenizer: ChineseTokenizer) -> None:
    (tmp_path / "lexicon.tsv").write_text("北京\t5\n上海 5\n\t3\n广州\tx\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        Lexicon.load(tmp_path, tokenizer)
    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == ["2", "3", "4"]


def test_a_corpus_without_text_is_refused(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"a": ["", " "]})
    with pytest.raises(UserError, match="documents with text"):
        train_tokenizer(TrainTokenizerConfig(input=str(corpus), output=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_kind_is_not_overwritten(corpus_folder: Path, write_corpus: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="a corpus folder"):
        train_tokenizer(TrainTokenizerConfig(input=str(corpus_folder), output=str(corpus_folder)))


def test_figures_are_in_the_manifest(tokenizer_folder: Path) -> None:
    manifest = json.loads((tokenizer_folder / "manifest.json").read_text())
    assert manifest["unknown_tokens"] == 0
    assert manifest["words"] == len((tokenizer_folder / "lexicon.tsv").read_text().splitlines())
