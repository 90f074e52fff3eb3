"""Every file of the development data is encoded as by transformers and cut as by jieba."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zstandard

from tokenizer import ChineseTokenizer, Vocabulary, load_segmenter

# A slice of a file: so many characters at each of some places.
PLACES = 5
ALWAYS, SLOW = 600, 200_000

ENCODINGS = {".big5": "big5hkscs", ".gbk": "gb18030", ".gb18030": "gb18030"}


def read(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    encoding = next((name for mark, name in ENCODINGS.items() if mark in path.name), "utf-8")
    return data.decode(encoding, errors="replace")  # word vectors too: any characters make a text


def paths(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(found) > 100
    return found


def slices(folder: Path, characters: int) -> dict[str, list[str]]:
    """Return texts by file, cut at line ends; a surrogate half in an escape stays an escape."""
    found = {}
    for path in paths(folder):
        text = read(path)
        step = max(characters, len(text) // PLACES)
        parts = [text[start : start + characters] for start in range(0, len(text), step)]
        found[path.relative_to(folder).as_posix()] = [line for part in parts for line in part.split("\n")]
    return found


def whole(folder: Path) -> Iterator[dict[str, list[str]]]:
    """Yield every line of every file, some thousand at a time."""
    for path in paths(folder):
        lines = read(path).split("\n")
        for start in range(0, len(lines), 5000):
            yield {path.relative_to(folder).as_posix(): lines[start : start + 5000]}


def unequal_to_transformers(tokenizer: ChineseTokenizer, files: dict[str, list[str]]) -> list[tuple[str, str]]:
    theirs = tokenizer.to_transformers()
    wrong = []
    for name, texts in files.items():
        expected = theirs(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        rows = zip(tokenizer.encode_batch(texts), expected["input_ids"], expected["offset_mapping"], strict=True)
        for row, ids, offsets in rows:
            if row.input_ids.tolist() != ids or row.offsets.tolist() != [list(pair) for pair in offsets]:
                wrong.append((name, row.text[:80]))
    return wrong


def unequal_to_jieba(files: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    jieba, *others = (load_segmenter(name) for name in ("jieba", "compiled", "rjieba"))
    wrong = []
    for name, texts in files.items():
        expected = jieba.starts(texts)
        for segmenter in others:
            for place in np.flatnonzero(segmenter.starts(texts) != expected)[:1].tolist():
                wrong.append((segmenter.name, name, "".join(texts)[max(0, place - 10) : place + 10]))
    return wrong


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> dict[str, list[str]]:
    return slices(shared_data, ALWAYS)


@pytest.mark.parametrize("lowercase", [True, False], ids=["uncased", "cased"])
@pytest.mark.parametrize("trained", [True, False], ids=["trained", "official"])
def test_a_slice_of_every_file_is_encoded_as_by_transformers(
    sample: dict[str, list[str]],
    official_vocabulary: Vocabulary,
    tokenizer: ChineseTokenizer,
    trained: bool,
    lowercase: bool,
) -> None:
    vocabulary = tokenizer.vocabulary if trained else official_vocabulary
    assert unequal_to_transformers(ChineseTokenizer(vocabulary, lowercase=lowercase), sample) == []


def test_a_slice_of_every_file_is_cut_as_by_jieba(sample: dict[str, list[str]]) -> None:
    assert unequal_to_jieba(sample) == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_million_characters_of_every_file(
    shared_data: Path, official_vocabulary: Vocabulary, tokenizer: ChineseTokenizer
) -> None:
    files = slices(shared_data, SLOW)
    for vocabulary in (official_vocabulary, tokenizer.vocabulary):
        for lowercase in (True, False):
            assert unequal_to_transformers(ChineseTokenizer(vocabulary, lowercase=lowercase), files) == []
    assert unequal_to_jieba(files) == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_text_of_every_file_is_encoded_as_by_transformers(
    shared_data: Path, official_vocabulary: Vocabulary
) -> None:
    tokenizer = ChineseTokenizer(official_vocabulary)
    for files in whole(shared_data):
        assert unequal_to_transformers(tokenizer, files) == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_text_of_every_file_is_cut_as_by_jieba(shared_data: Path) -> None:
    for files in whole(shared_data):
        assert unequal_to_jieba(files) == []
