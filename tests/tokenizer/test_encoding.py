"""A corpus becomes token documents: right, the same bytes for any worker count, resumable, safe against kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import datasets
import numpy as np
import pytest

from corpus.errors import UserError
from corpus.manifest import verify_manifest
from corpus.reading import read_documents
from tokenizer import ChineseTokenizer, EncodeConfig, Lexicon, TokenDocuments, encode_corpus
from tokenizer.vocabulary import SPECIAL_TOKENS


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def encoded(corpus_folder: Path, tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("encoded") / "tokens"
    config = EncodeConfig(
        input=str(corpus_folder), tokenizer=str(tokenizer_folder), output=str(output), heldout_fraction=0.1
    )
    result = encode_corpus(config)
    assert result.documents + result.heldout_documents == 300
    return output


def test_every_document_is_there_with_its_words_and_sentences(
    corpus_folder: Path, encoded: Path, tokenizer: ChineseTokenizer
) -> None:
    expected = []
    for document in read_documents(corpus_folder):
        one = tokenizer.encode_batch([document.text])
        expected.append((one.input_ids.tolist(), one.word_starts.tolist(), one.sentence_starts.tolist()))
    parts = [TokenDocuments.open(encoded), TokenDocuments.open(encoded / "heldout")]
    found = [tuple(part.tolist() for part in docs.document(i)) for docs in parts for i in range(len(docs))]
    assert sorted(found) == sorted(expected)
    train = [tuple(part.tolist() for part in parts[0].document(i)) for i in range(len(parts[0]))]
    order = iter(expected)
    assert all(any(document == other for other in order) for document in train), "the corpus's order is kept"


def test_the_first_token_begins_a_word_and_a_sentence(encoded: Path) -> None:
    docs = TokenDocuments.open(encoded)
    for number in range(len(docs)):
        _, word_starts, sentence_starts = docs.document(number)
        assert word_starts[0]
        assert sentence_starts[0]
        assert not (sentence_starts & ~word_starts).any()


def test_load_from_disk_gives_the_same_rows(encoded: Path) -> None:
    for folder in (encoded, encoded / "heldout"):
        docs, rows = TokenDocuments.open(folder), datasets.load_from_disk(str(folder))
        assert rows.features["input_ids"].feature.dtype == "uint16"
        assert len(rows) == len(docs)
        for number, row in enumerate(rows):
            ids, word_starts, sentence_starts = docs.document(number)
            assert row["input_ids"] == ids.tolist()
            assert row["word_starts"] == word_starts.tolist()
            assert row["sentence_starts"] == sentence_starts.tolist()
            assert row["source"] == docs.source[number]


def test_the_files_stream_without_being_loaded(encoded: Path, tmp_path: Path) -> None:
    paths = [str(path) for path in sorted(encoded.glob("data-*.arrow"))]
    rows = datasets.load_dataset(
        "arrow", data_files=paths, split="train", streaming=True, cache_dir=str(tmp_path / "cache")
    )
    docs = TokenDocuments.from_files(paths)
    count = 0
    for number, row in enumerate(rows):
        assert row["input_ids"] == docs.document(number)[0].tolist()
        count += 1
    assert count == len(docs)


def test_the_same_bytes_for_any_number_of_workers(
    corpus_folder: Path, tokenizer_folder: Path, encoded: Path, tmp_path: Path
) -> None:
    config = EncodeConfig(
        input=str(corpus_folder),
        tokenizer=str(tokenizer_folder),
        output=str(tmp_path / "three"),
        heldout_fraction=0.1,
        workers=3,
    )
    encode_corpus(config)
    assert files(tmp_path / "three") == files(encoded)


def test_the_manifest_is_sound_and_tells_the_figures(encoded: Path) -> None:
    assert verify_manifest(encoded, "tokens") == []
    manifest = json.loads((encoded / "manifest.json").read_text())
    docs = TokenDocuments.open(encoded)
    assert manifest["documents"] == len(docs)
    assert manifest["tokens"] == docs.tokens == int(docs.lengths.sum())
    assert manifest["sources"] == ["news", "reviews"]


def test_at_most_three_bytes_a_token_in_documents_of_seventy(
    write_corpus: Callable[..., Path], tokenizer_folder: Path, tmp_path: Path
) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"news": ["小明在北京买了苹果，" * 7] * 2500}, per_shard=2500)
    result = encode_corpus(
        EncodeConfig(input=str(corpus), tokenizer=str(tokenizer_folder), output=str(tmp_path / "tokens"))
    )
    assert result.tokens == 70 * result.documents
    # 2 bytes of id, 2 bits of starts; 12 bytes of list ends and 2 of source a document: 2.45.
    assert result.bytes / (result.tokens + result.heldout_tokens) < 2.5


def test_reserved_documents_do_not_depend_on_the_other_documents(
    write_corpus: Callable[..., Path], tokenizer_folder: Path, tmp_path: Path
) -> None:
    texts = ["".join(rows) for rows in product("小明老师医生", "北京上海", "苹果香蕉西", "买了")][:200]
    reserved = []
    for name, part in (("all", texts), ("half", texts[:100])):
        corpus = write_corpus(tmp_path / name, {"news": part})
        output = tmp_path / f"{name}-tokens"
        config = {"tokenizer": str(tokenizer_folder), "heldout_fraction": 0.2, "seed": 3}
        encode_corpus(EncodeConfig(input=str(corpus), output=str(output), **config))
        docs = TokenDocuments.open(output / "heldout")
        reserved.append({tuple(docs.document(i)[0].tolist()) for i in range(len(docs))})
    assert reserved[1] < reserved[0]
    # 0.2 of 200 documents, four standard deviations.
    assert abs(len(reserved[0]) - 40) <= 4 * (200 * 0.2 * 0.8) ** 0.5


def test_a_source_of_twenty_documents_reserves_at_least_one(
    write_corpus: Callable[..., Path], tokenizer_folder: Path, tmp_path: Path
) -> None:
    texts = {"twenty": ["小明在北京。"] * 20, "few": ["医生在上海。"] * 19}
    corpus = write_corpus(tmp_path / "corpus", texts)
    config = {"tokenizer": str(tokenizer_folder), "heldout_fraction": 1e-6}
    encode_corpus(EncodeConfig(input=str(corpus), output=str(tmp_path / "tokens"), **config))
    docs = TokenDocuments.open(tmp_path / "tokens" / "heldout")
    assert docs.source.tolist() == [1]


def test_finished_shards_are_not_encoded_again(
    corpus_folder: Path, tokenizer_folder: Path, encoded: Path, tmp_path: Path
) -> None:
    config = EncodeConfig(
        input=str(corpus_folder), tokenizer=str(tokenizer_folder), output=str(tmp_path / "t"), heldout_fraction=0.1
    )
    assert encode_corpus(config).shards_reused == 0
    assert encode_corpus(config).shards_reused == 6
    assert files(tmp_path / "t") == files(encoded)
    config.seed = 1
    assert encode_corpus(config).shards_reused == 0


def test_new_shards_are_appended_without_encoding_the_old_ones(
    write_corpus: Callable[..., Path], corpus_folder: Path, tokenizer_folder: Path, encoded: Path, tmp_path: Path
) -> None:
    new = write_corpus(tmp_path / "new", {"books": ["老师在上海喝牛奶。"] * 30, "news": ["医生在成都。"] * 5})
    settings = {"tokenizer": str(tokenizer_folder), "output": str(tmp_path / "t"), "heldout_fraction": 0.1}
    encode_corpus(EncodeConfig(input=str(corpus_folder), **settings))
    old = {"train": TokenDocuments.open(tmp_path / "t"), "heldout": TokenDocuments.open(tmp_path / "t" / "heldout")}
    result = encode_corpus(EncodeConfig(input=str(new), append=True, **settings))
    assert (result.shards, result.shards_reused) == (7, 6)
    assert result.sources == ["news", "reviews", "books"]
    assert result.documents + result.heldout_documents == 335
    for part, folder in (("train", tmp_path / "t"), ("heldout", tmp_path / "t" / "heldout")):
        docs = TokenDocuments.open(folder)
        assert len(docs) > len(old[part])
        for number in range(len(old[part])):
            assert docs.document(number)[0].tolist() == old[part].document(number)[0].tolist()
        assert set(docs.source[len(old[part]) :].tolist()) <= {0, 2}
        assert len(datasets.load_from_disk(str(folder))) == len(docs)
    assert verify_manifest(tmp_path / "t", "tokens") == []
    again = encode_corpus(EncodeConfig(input=str(new), append=True, **settings))
    assert (again.shards, again.shards_reused, again.documents) == (7, 7, result.documents)
    with pytest.raises(UserError, match="another seed"):
        encode_corpus(EncodeConfig(input=str(new), append=True, seed=5, **settings))


def test_a_killed_run_leaves_no_output_and_is_taken_up(
    corpus_folder: Path, tokenizer_folder: Path, encoded: Path, tmp_path: Path
) -> None:
    output = tmp_path / "tokens"
    script = textwrap.dedent(
        f"""
        import time
        from tokenizer import EncodeConfig, encode_corpus
        def slowly(label, done, total):
            if label == "encode" and done == 3:
                print("three", flush=True)
                time.sleep(60)
        encode_corpus(EncodeConfig(input={str(corpus_folder)!r}, tokenizer={str(tokenizer_folder)!r},
                                   output={str(output)!r}, heldout_fraction=0.1), progress=slowly)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"three\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not output.exists()
    config = EncodeConfig(
        input=str(corpus_folder), tokenizer=str(tokenizer_folder), output=str(output), heldout_fraction=0.1
    )
    assert encode_corpus(config).shards_reused == 3
    assert files(output) == files(encoded)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tokens"]


def test_a_bare_vocabulary_gets_its_lexicon_from_the_corpus(
    corpus_folder: Path, tokenizer_folder: Path, encoded: Path, tmp_path: Path
) -> None:
    config = EncodeConfig(
        input=str(corpus_folder),
        tokenizer=str(tokenizer_folder / "vocab.txt"),
        output=str(tmp_path / "tokens"),
        heldout_fraction=0,
    )
    encode_corpus(config)
    tokenizer = ChineseTokenizer.from_pretrained(tmp_path / "tokens" / "tokenizer")
    words = Lexicon.load(tmp_path / "tokens" / "tokenizer", tokenizer)
    expected = Lexicon.load(tokenizer_folder, tokenizer)
    assert words.words == expected.words
    assert words.counts.tolist() == expected.counts.tolist()
    assert len(TokenDocuments.open(tmp_path / "tokens" / "heldout")) == 0


def test_unknown_characters_are_counted_and_signs_may_be_mapped(
    write_corpus: Callable[..., Path], tmp_path: Path
) -> None:
    vocab = tmp_path / "vocab.txt"
    vocab.write_text("".join(f"{token}\n" for token in [*SPECIAL_TOKENS, *"语言。-.'", '"']), encoding="utf-8")
    corpus = write_corpus(tmp_path / "corpus", {"a": ["“语言”——龘……", "‘语龘言’。", "abc"]}, per_shard=2)
    settings = {"input": str(corpus), "tokenizer": str(vocab), "heldout_fraction": 0}
    result = encode_corpus(EncodeConfig(**settings, output=str(tmp_path / "plain")))
    assert result.unknown_texts == {"—": 2, "…": 2, "龘": 2, "abc": 1, "‘": 1, "’": 1, "“": 1, "”": 1}
    assert result.unknown_tokens == sum(result.unknown_texts.values())
    assert "— 2, … 2, 龘 2" in dict(result.summary())["[UNK]"]
    result = encode_corpus(EncodeConfig(**settings, output=str(tmp_path / "mapped"), map_punctuation=True))
    assert result.unknown_texts == {"龘": 2, "abc": 1}
    mapped = ChineseTokenizer.from_pretrained(tmp_path / "mapped" / "tokenizer")
    encoding = mapped.encode("“语言”——龘……")
    assert [mapped.vocab[token] for token in encoding.input_ids] == [*'"语言"--', "[UNK]", ".", "."]
    assert encoding.offsets.tolist() == [[place, place + 1] for place in range(9)]


def test_large_vocabularies_are_stored_in_four_bytes(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    vocab = tmp_path / "vocab.txt"
    vocab.write_text("".join(f"{t}\n" for t in [*SPECIAL_TOKENS, *(f"x{n}" for n in range(65536)), "语", "言"]))
    corpus = write_corpus(tmp_path / "corpus", {"a": ["语言"] * 3})
    encode_corpus(EncodeConfig(input=str(corpus), tokenizer=str(vocab), output=str(tmp_path / "tokens")))
    ids, _, _ = TokenDocuments.open(tmp_path / "tokens").document(2)
    assert ids.tolist() == [65541, 65542]
    assert ids.dtype == np.uint32


def test_wrong_inputs_are_refused_and_nothing_is_written(
    corpus_folder: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    good = {"input": str(corpus_folder), "tokenizer": str(tokenizer_folder), "output": str(tmp_path / "out")}
    (tmp_path / "user.txt").write_text("语·言 5\n")
    for wrong in (
        {"input": str(tmp_path / "none")},
        {"tokenizer": str(tmp_path / "none")},
        {"output": str(corpus_folder)},
        {"user_dictionary": str(tmp_path / "user.txt")},
    ):
        with pytest.raises(UserError):
            encode_corpus(EncodeConfig(**{**good, **wrong}))
    with pytest.raises(UserError) as caught:
        EncodeConfig(**good, workers=0, heldout_fraction=1)
    assert [problem.where for problem in caught.value.problems] == ["--workers", "--heldout-fraction"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["user.txt"]


def test_a_vocabulary_changed_at_its_place_is_read_again(
    write_corpus: Callable[..., Path], tokenizer: ChineseTokenizer, tmp_path: Path
) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"news": ["小明在北京买了苹果。"]})
    found = []
    for tokens in (tokenizer.vocab, [*SPECIAL_TOKENS, "龘", "靐"]):
        (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
        output = tmp_path / str(len(tokens))
        encode_corpus(EncodeConfig(input=str(corpus), tokenizer=str(tmp_path / "vocab.txt"), output=str(output)))
        found.append(TokenDocuments.open(output).document(0)[0].tolist())
    assert found[0] == tokenizer.encode("小明在北京买了苹果。").input_ids.tolist()
    assert set(found[1]) == {SPECIAL_TOKENS.index("[UNK]")}
