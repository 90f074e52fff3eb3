"""Candidates have the word's number of tokens, are in the vocabulary, and are not the word itself."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import UserError
from corpus.manifest import verify_manifest
from tokenizer import ChineseTokenizer, Lexicon, SimilarConfig, SimilarWords, build_similar
from tokenizer.similar import merge
from tokenizer.similar_quality import agreement
from tokenizer.similarity import Neighbours, neighbours_of_vectors, read_thesaurus, read_vectors

SETTINGS = {"vector_size": 24, "epochs": 8, "min_similarity": 0.3}

CILIN = """Aa01A01= 苹果 香蕉 西瓜 大西瓜
Aa01A02= 北京 上海
Bb02B01# 早上 晚上
Bb02B02@ 小明

Cc03C01= 苹果 葡萄 不在词表里龘龘
"""


def write_vectors(path: Path, words: dict[str, list[float]]) -> Path:
    size = len(next(iter(words.values())))
    lines = [f"{word} {' '.join(map(str, vector))}" for word, vector in words.items()]
    path.write_text(f"{len(words)} {size}\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def assert_lawful(table: SimilarWords, tokenizer: ChineseTokenizer, top_k: int = 10) -> None:
    for row in range(len(table)):
        word = table.word_ids[table.word_offsets[row] : table.word_offsets[row + 1]]
        found = table.candidates(row)
        assert 1 <= len(found) <= top_k
        assert found.shape[1] == len(word)
        assert len({tuple(ids) for ids in found.tolist()} | {tuple(word.tolist())}) == len(found) + 1
        assert not tokenizer.vocabulary.special_mask[found].any()
        assert tokenizer.encode(table.words[row]).input_ids.tolist() == word.tolist()
        for (text, cosine), ids in zip(table.lookup(table.words[row]), found, strict=True):
            assert tokenizer.encode(text).input_ids.tolist() == ids.tolist()
            assert cosine <= 1.0001
    cosines = [table.cosines[a:b] for a, b in zip(table.candidate_offsets, table.candidate_offsets[1:], strict=False)]
    assert all((np.diff(part) <= 0).all() for part in cosines)


@pytest.fixture(scope="module")
def built(corpus_folder: Path, tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("similar") / "tokenizer"
    build_similar(
        SimilarConfig(input=str(corpus_folder), tokenizer=str(tokenizer_folder), output=str(output), **SETTINGS)
    )
    return output


def test_the_corpus_gives_lawful_candidates(built: Path, tokenizer: ChineseTokenizer) -> None:
    table = SimilarWords.load(built)
    assert len(table) > 20
    assert_lawful(table, tokenizer)
    assert verify_manifest(built, "tokenizer") == []


def test_words_of_like_contexts_are_similar(built: Path) -> None:
    table = SimilarWords.load(built)
    cities = {"北京", "上海", "广州", "杭州", "成都", "武汉"}
    found = [candidate for city in cities for candidate, _ in table.lookup(city)[:3]]
    # Chance: 5 other cities among some 40 words of two tokens.
    assert sum(candidate in cities for candidate in found) / len(found) > 0.5


def test_the_same_seed_gives_the_same_bytes_and_another_one_other_vectors(
    corpus_folder: Path, tokenizer_folder: Path, built: Path, tmp_path: Path
) -> None:
    settings = {"input": str(corpus_folder), "tokenizer": str(tokenizer_folder), **SETTINGS}
    for seed in (0, 1):
        build_similar(SimilarConfig(**settings, output=str(tmp_path / str(seed)), seed=seed))
    for path in sorted(built.iterdir()):
        assert (tmp_path / "0" / path.name).read_bytes() == path.read_bytes(), path.name
    name = "similar.safetensors"
    assert (tmp_path / "1" / name).read_bytes() != (built / name).read_bytes()


def test_a_saved_table_reads_back(built: Path, tmp_path: Path) -> None:
    table = SimilarWords.load(built)
    table.save(tmp_path)
    again = SimilarWords.load(tmp_path)
    assert (again.words, again.candidate_words, again.meta) == (table.words, table.candidate_words, table.meta)
    assert again.candidate_ids.tolist() == table.candidate_ids.tolist()


def test_the_readable_table_says_the_same_as_the_binary_one(built: Path, tokenizer: ChineseTokenizer) -> None:
    table = SimilarWords.load(built)
    header, *lines = (built / "similar.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "word\tcandidate\tcosine"
    rows = [line.split("\t") for line in lines]
    expected = [[word, candidate, f"{cosine:.4f}"] for word in table.words for candidate, cosine in table.lookup(word)]
    assert rows == expected


def test_a_thesaurus_gives_synonyms_of_the_same_length_only(
    tokenizer_folder: Path, tokenizer: ChineseTokenizer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cilin.txt").write_bytes(CILIN.replace("\n", "\r\n").encode("gb18030"))
    config = SimilarConfig(
        tokenizer=str(tokenizer_folder), thesaurus=str(tmp_path / "cilin.txt"), output=str(tmp_path / "out")
    )
    with caplog.at_level(logging.WARNING):
        result = build_similar(config)
    table = SimilarWords.load(tmp_path / "out")
    assert_lawful(table, tokenizer)
    assert {word for word, _ in table.lookup("苹果")} == {"香蕉", "西瓜", "葡萄"}
    assert table.lookup("北京") == [("上海", 1.0)]
    assert table.lookup("早上") == table.lookup("小明") == table.lookup("大西瓜") == []
    assert result.coverage < 0.8
    assert "want 80%" in caplog.text
    assert "warning" in dict(result.summary())


def test_words_of_too_many_meanings_get_no_synonyms(tokenizer_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cilin.txt").write_text(CILIN, encoding="utf-8")
    config = SimilarConfig(
        tokenizer=str(tokenizer_folder),
        thesaurus=str(tmp_path / "cilin.txt"),
        output=str(tmp_path / "out"),
        max_classes=1,
    )
    build_similar(config)
    table = SimilarWords.load(tmp_path / "out")
    assert table.lookup("苹果") == []
    assert table.lookup("香蕉") == [("西瓜", 1.0)]


def test_vectors_of_a_file_give_the_nearest_words(tokenizer_folder: Path, tmp_path: Path) -> None:
    vectors = {
        "苹果": [1, 0, 0],
        "香蕉": [0.9, 0.1, 0],
        "西瓜": [0.8, 0.6, 0],
        "北京": [0, 0, 1],
        "大西瓜": [1, 0, 0],
        "龘龘": [1, 0, 0],
        "，": [1, 0, 0],
    }
    path = write_vectors(tmp_path / "vectors.txt", vectors)
    config = {"tokenizer": str(tokenizer_folder), "vectors": str(path), "output": str(tmp_path / "out")}
    build_similar(SimilarConfig(**config))
    table = SimilarWords.load(tmp_path / "out")
    assert [(word, round(cosine, 3)) for word, cosine in table.lookup("苹果")] == [("香蕉", 0.994), ("西瓜", 0.8)]
    assert table.lookup("北京") == table.lookup("，") == []
    build_similar(SimilarConfig(**config, top_k=1))
    assert [word for word, _ in SimilarWords.load(tmp_path / "out").lookup("苹果")] == ["香蕉"]


def test_several_files_of_vectors_are_merged_by_their_weights(tokenizer_folder: Path, tmp_path: Path) -> None:
    # 苹果 against 香蕉 and 西瓜: cosines 0.6 and 0.8 in the domain's file, 1 and 0 in the general one.
    domain = write_vectors(
        tmp_path / "domain.txt", {"苹果": [1, 0, 0], "香蕉": [0.6, 0.8, 0], "西瓜": [0.8, 0, 0.6], "北京": [0, 1, 0]}
    )
    general = write_vectors(tmp_path / "general.txt", {"苹果": [1, 0], "香蕉": [1, 0], "西瓜": [0, 1]})
    settings = {"tokenizer": str(tokenizer_folder), "output": str(tmp_path / "out"), "min_similarity": 0.1}
    found = {}
    for weight in (1, 3):
        build_similar(SimilarConfig(**settings, vectors=[f"{domain}:{weight}", str(general)]))
        found[weight] = dict(SimilarWords.load(tmp_path / "out").lookup("苹果"))
    # A pair that a source knows but lists below its floor, here the merge's 0.1, counts with that floor.
    assert found[1] == pytest.approx({"香蕉": (0.6 + 1) / 2, "西瓜": (0.8 + 0.1) / 2}, abs=1e-3)
    assert found[3] == pytest.approx({"香蕉": (3 * 0.6 + 1) / 4, "西瓜": (3 * 0.8 + 0.1) / 4}, abs=1e-3)
    with pytest.raises(UserError, match="a weight above 0"):
        SimilarConfig(**settings, vectors=[f"{domain}:0"])


def test_words_beyond_the_frequency_limit_are_not_compared(tokenizer_folder: Path, tmp_path: Path) -> None:
    path = write_vectors(tmp_path / "vectors.txt", {"苹果": [1, 0], "北京": [0, 1], "上海": [0.1, 1], "香蕉": [1, 0.1]})
    config = {"tokenizer": str(tokenizer_folder), "vectors": [str(path)], "output": str(tmp_path / "out")}
    build_similar(SimilarConfig(**config, max_words=3))
    table = SimilarWords.load(tmp_path / "out")
    assert (table.lookup("苹果"), [word for word, _ in table.lookup("北京")]) == ([], ["上海"])


def test_cosines_are_those_of_a_plain_loop(tokenizer: ChineseTokenizer) -> None:
    rng = np.random.default_rng(0)
    words = ["苹果", "香蕉", "西瓜", "北京", "上海", "早上", "的", "了", "小明"]
    vectors = rng.normal(size=(len(words), 5)).astype(np.float32)
    found = neighbours_of_vectors("v", 1.0, words, vectors, tokenizer, top=3, floor=0.0)
    for row, word in enumerate(words):
        cosines = {
            other: float(vectors[row] @ vectors[n] / np.linalg.norm(vectors[row]) / np.linalg.norm(vectors[n]))
            for n, other in enumerate(words)
            if other != word and len(other) == len(word)
        }
        best = {other: cosine for other, cosine in sorted(cosines.items(), key=lambda i: -i[1])[:3] if cosine >= 0}
        assert found.similar.get(word, {}) == pytest.approx(best, abs=1e-4)


def test_sources_are_merged_by_weight(tokenizer: ChineseTokenizer) -> None:
    known = frozenset(["苹果", "香蕉", "西瓜", "葡萄"])
    domain = Neighbours("corpus", 3.0, known, {"苹果": {"香蕉": 0.8, "葡萄": 0.6}}, 0.3)
    general = Neighbours("vectors", 1.0, known - {"葡萄"}, {"苹果": {"西瓜": 0.9, "香蕉": 0.4}}, 0.3)
    synonyms = Neighbours("thesaurus", 1.0, known, {"苹果": {"西瓜": 1.0}}, None)
    ((word, _, found),) = merge([domain, general, synonyms], tokenizer, 10, 0.5)
    assert word == "苹果"
    # 香蕉 (3*0.8 + 0.4)/4; 葡萄 known to the corpus alone; 西瓜 (3*0.3 + 0.9 + 1)/5.
    assert [(candidate, score) for candidate, _, score in found] == [
        ("香蕉", 0.7),
        ("葡萄", 0.6),
        ("西瓜", 0.56),
    ]


def test_agreement_is_measured_against_chance(tokenizer: ChineseTokenizer, tokenizer_folder: Path) -> None:
    lexicon = Lexicon.load(tokenizer_folder, tokenizer)
    classes = [["苹果", "香蕉"], ["北京", "上海"], ["早上", "晚上"], ["小明"], ["老师"], ["牛奶"], ["面包"]]
    ids = {word: tokenizer.encode(word).input_ids.tolist() for group in classes for word in group}
    pairs = [("苹果", "香蕉"), ("北京", "上海"), ("早上", "小明"), ("小明", "老师")]
    table = SimilarWords.from_rows([(word, ids[word], [(other, ids[other], 0.9)]) for word, other in pairs * 500])
    found = agreement(table, lexicon, classes)
    assert (found.pairs, found.agree) == (2000, 0.5)
    # A random one of ten known words is the word's synonym once in ten for three of four words.
    chance = 0.75 * 0.1
    assert abs(found.by_chance - chance) < 4 * (chance * (1 - chance) / 2000) ** 0.5


def test_the_reference_is_reported(corpus_folder: Path, tokenizer_folder: Path, built: Path, tmp_path: Path) -> None:
    (tmp_path / "cilin.txt").write_text(
        "Aa01A01= 北京 上海 广州 杭州 成都 武汉\nAa01A02= 早上 中午 晚上\n", encoding="utf-8"
    )
    config = SimilarConfig(
        input=str(corpus_folder),
        tokenizer=str(tokenizer_folder),
        output=str(tmp_path / "out"),
        reference=str(tmp_path / "cilin.txt"),
        **SETTINGS,
    )
    result = build_similar(config)
    assert result.agreement is not None
    assert result.agreement["agree"] > 0
    assert "random words" in dict(result.summary())["synonyms by the reference"]
    name = "similar.safetensors"
    assert (tmp_path / "out" / name).read_bytes() == (built / name).read_bytes()


def test_every_bad_line_of_a_thesaurus_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "cilin.txt"
    path.write_text("Aa01A01= 苹果 香蕉\nAa01A02 北京\nAa01A03=\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_thesaurus(path)
    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == ["2", "3"]


def test_a_compressed_thesaurus_is_read_and_a_cut_one_refused(tmp_path: Path) -> None:
    text = "".join(f"Aa{number:02}A01= 苹果{number} 香蕉{number}\n" for number in range(100))
    packed = gzip.compress(text.encode("gb18030"))
    path = tmp_path / "cilin.txt.gz"
    path.write_bytes(packed)
    assert len(read_thesaurus(path)) == 100
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UserError, match="expected a whole compressed file"):
        read_thesaurus(path)


@pytest.mark.parametrize("text", ["", "苹果 1 2\n", "2 3\n苹果 1 2 3\n", "x y\n苹果 1 2\n"])
def test_a_file_that_holds_no_vectors_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "vectors.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="word2vec text format"):
        read_vectors(tmp_path / "vectors.txt")


def test_wrong_inputs_are_refused_and_nothing_is_written(
    tokenizer_folder: Path, write_corpus: Callable[..., Path], tmp_path: Path
) -> None:
    good = {"tokenizer": str(tokenizer_folder), "output": str(tmp_path / "out")}
    corpus = write_corpus(tmp_path / "corpus", {"a": ["小明在北京。"]})
    for wrong in (
        {"vectors": str(tmp_path / "none")},
        {"thesaurus": str(tmp_path / "none")},
        {"input": str(tmp_path / "none")},
        {"input": str(corpus)},
    ):
        with pytest.raises(UserError):
            build_similar(SimilarConfig(**good, **wrong))
    with pytest.raises(UserError, match="none of them"):
        SimilarConfig(**good)
    with pytest.raises(UserError) as caught:
        SimilarConfig(**good, input="x", top_k=0, min_similarity=2, corpus_weight=0)
    assert [problem.where for problem in caught.value.problems] == ["--corpus-weight", "--top-k", "--min-similarity"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]


def test_a_folder_without_a_table_is_refused(tokenizer_folder: Path) -> None:
    with pytest.raises(UserError, match="macbert tokenizer similar"):
        SimilarWords.load(tokenizer_folder)
