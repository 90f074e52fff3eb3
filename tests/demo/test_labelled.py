"""What the demo tests on was never trained on, in any stage, and its spans are slices of its texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus.document import Document
from macbert.demo.labelled import Sizes, Split, write_labelled
from macbert.demo.source import people_daily, reviews


def held_out(document: Document) -> bool:
    return document.id.endswith("7")


SIZES = {"ner": Sizes(train=400, dev=50, test=200), "classify": Sizes(train=100, dev=50, test=200)}


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Split]:
    seen: set[str] = set()
    documents = [Document(identifier, "") for identifier, _ in people_daily()]
    for identifier, text, _ in reviews():
        if text not in seen:
            seen.add(text)
            documents.append(Document(identifier, ""))
    folder = tmp_path_factory.mktemp("labelled")
    return write_labelled(folder, documents, held_out, SIZES, seed=0)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_test_examples_come_from_held_out_documents_and_the_others_do_not(splits: dict[str, Split]) -> None:
    for split, document_part in ((splits["ner"], 2), (splits["classify"], 2)):
        for part, expected in (("train", False), ("dev", False), ("test", True)):
            for row in rows(getattr(split, part)):
                document = "-".join(row["id"].split("-")[: document_part + 1])
                assert held_out(Document(document, "")) is expected


def test_no_text_stands_in_two_files(splits: dict[str, Split]) -> None:
    for task, split in splits.items():
        texts = [row["text"] for part in ("train", "dev", "test") for row in rows(getattr(split, part))]
        assert len(texts) == len(set(texts)) == sum(split.rows) == SIZES[task].train + 250


def test_spans_are_inside_their_texts_in_order_and_apart(splits: dict[str, Split]) -> None:
    spans = 0
    for row in rows(splits["ner"].train):
        position = 0
        for entity in row["entities"]:
            assert position <= entity["start"] < entity["end"] <= len(row["text"])
            position = entity["end"]
            spans += 1
    assert spans > 400


def test_another_seed_draws_other_training_examples_and_the_same_test(splits: dict[str, Split], tmp_path: Path) -> None:
    documents = [Document(identifier, "") for identifier, _ in people_daily()]
    first = write_labelled(tmp_path / "1", documents, held_out, SIZES, seed=0)["ner"]
    second = write_labelled(tmp_path / "2", documents, held_out, SIZES, seed=1)["ner"]
    assert first.train.read_bytes() == splits["ner"].train.read_bytes() != second.train.read_bytes()
    assert first.test.read_bytes() == second.test.read_bytes()
