"""Token documents are read in place, by document, by slice and by sentence."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pytest

from corpus.errors import UserError
from tokenizer import TokenDocuments
from tokenizer.token_files import BATCH_DOCUMENTS, TokenFileWriter, write_dataset_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,500 random documents in two files, so that batches and files end inside."""
    folder = tmp_path_factory.mktemp("tokens")
    rng = np.random.default_rng(0)
    names = ["data-a.arrow", "data-b.arrow"]
    for name, count in zip(names, (2 * BATCH_DOCUMENTS + 300, 200), strict=True):
        with TokenFileWriter(folder / name, 21128) as writer:
            for _ in range(count):
                length = int(rng.integers(1, 40))
                sentences = rng.random(length) < 0.1
                sentences[0] = True
                ids = rng.integers(0, 21128, length).astype(np.int32)
                writer.add(ids, sentences | (rng.random(length) < 0.6), sentences, int(rng.integers(0, 3)))
    write_dataset_files(folder, names, ["x", "y"], 21128)
    return folder


@pytest.fixture(scope="module")
def docs(folder: Path) -> TokenDocuments:
    return TokenDocuments.open(folder)


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict]:
    return datasets.load_from_disk(str(folder)).to_list()


def test_documents_are_those_of_the_datasets_library(docs: TokenDocuments, rows: list[dict]) -> None:
    assert docs.lengths.tolist() == [len(row["input_ids"]) for row in rows]
    assert docs.source.tolist() == [row["source"] for row in rows]
    for number, row in enumerate(rows):
        ids, words, sentences = docs.document(number)
        assert ids.tolist() == row["input_ids"]
        assert words.tolist() == row["word_starts"]
        assert sentences.tolist() == row["sentence_starts"]


def test_slices_are_parts_of_documents(docs: TokenDocuments) -> None:
    rng = np.random.default_rng(1)
    for number in rng.integers(0, len(docs), 200).tolist():
        ids, words, _ = docs.document(number)
        start, stop = sorted(rng.integers(0, len(ids) + 1, 2).tolist())
        part_ids, part_words = docs.slice(number, start, stop)
        assert part_ids.tolist() == ids[start:stop].tolist()
        assert part_words.tolist() == words[start:stop].tolist()


def test_the_sentence_table_gives_each_documents_sentence_lengths(docs: TokenDocuments, rows: list[dict]) -> None:
    offsets, lengths = docs.sentence_table()
    assert (offsets.dtype, lengths.dtype) == (np.int64, np.int32)
    for number, row in enumerate(rows):
        begins = [*np.flatnonzero(row["sentence_starts"]).tolist(), len(row["input_ids"])]
        assert lengths[offsets[number] : offsets[number + 1]].tolist() == np.diff(begins).tolist()


def test_token_ids_are_views_of_the_file(docs: TokenDocuments) -> None:
    ids, _, _ = docs.document(5)
    assert not ids.flags.owndata
    assert not ids.flags.writeable


def test_batches_give_all_tokens_in_order(docs: TokenDocuments, rows: list[dict]) -> None:
    ids, words = map(np.concatenate, zip(*docs.batches(), strict=True))
    assert ids.tolist() == [token for row in rows for token in row["input_ids"]]
    assert words.tolist() == [start for row in rows for start in row["word_starts"]]


def test_a_folder_that_is_none_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match=r"state\.json"):
        TokenDocuments.open(tmp_path)
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "a.arrow"}], "_fingerprint": ""}')
    with pytest.raises(UserError, match="token documents"):
        TokenDocuments.open(tmp_path)
    (tmp_path / "a.arrow").write_bytes(b"no arrow file at all")
    with pytest.raises(UserError, match="token documents"):
        TokenDocuments.open(tmp_path)


def test_numbers_outside_are_refused(docs: TokenDocuments) -> None:
    for number in (-1, len(docs)):
        with pytest.raises(IndexError):
            docs.document(number)
