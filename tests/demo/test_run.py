"""The demonstration walks every stage, on a part of its data and with a few steps of training."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import pytest

from corpus import read_documents
from macbert.cli import main
from macbert.demo import budgets, labelled, source
from macbert.demo.labelled import Sizes
from macbert.demo.road import HELD_OUT
from tokenizer.encoding import is_reserved


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("road") / "demo"
    pages = list(itertools.islice(source.people_daily(), 60))
    opinions = [row for number, row in enumerate(source.reviews()) if number % 30 == 0]
    small = dataclasses.replace(
        budgets.BUDGETS["short"],
        vocab_size=4000,
        pretrain_epochs=0.1,
        pretrain_eval_steps=10,
        examples=dict.fromkeys(("ner", "classify"), Sizes(train=60, dev=20, test=40)),
        finetune_epochs={"ner": 1, "classify": 1},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelled, "people_daily", lambda: iter(pages))
        patch.setattr(labelled, "reviews", lambda: iter(opinions))
        patch.setitem(budgets.BUDGETS, "short", small)
        arguments = ["--output", str(folder), "--seeds", "2", "--text", "王芳在上海图书馆找到了一本旧地图。"]
        assert main(["demo", *arguments, "--quiet"]) == 0
    return folder


def test_every_stage_is_timed_and_has_a_figure(demo: Path) -> None:
    stages = json.loads((demo / "results.json").read_text("utf-8"))["stages"]
    assert [stage["name"] for stage in stages[:5]] == [
        "raw text",
        "corpus build",
        "tokenizer train",
        "tokenizer similar",
        "tokenizer encode",
    ]
    assert len(stages) == 5 + 2 * (1 + 1 + 4)
    assert all(stage["taken"] and stage["given"] and stage["seconds"] > 0 for stage in stages)


def test_both_initialisations_are_scored_on_both_tasks_for_each_seed(demo: Path) -> None:
    comparison = json.loads((demo / "results.json").read_text("utf-8"))["comparison"]
    assert [row.pop("seed") for row in comparison] == [0, 1]
    for row in comparison:
        assert list(row) == [
            "ner strict_span_f1, pretrained",
            "ner strict_span_f1, random",
            "classify accuracy, pretrained",
            "classify accuracy, random",
        ]
        assert all(0 <= value <= 1 for value in row.values())


def test_the_page_shows_the_text_that_was_given_and_a_masked_example(demo: Path) -> None:
    page = (demo / "report.html").read_text("utf-8")
    assert "王芳" in page
    assert '<span class="similar">' in page
    assert "[MASK]</span>" not in page
    assert page.count("<polyline") == 2


def test_what_is_tested_on_lies_in_documents_that_encoding_reserved(demo: Path) -> None:
    manifest = json.loads((demo / "tokens" / "manifest.json").read_text("utf-8"))
    reserved = {
        document.id for document in read_documents(demo / "corpus") if is_reserved(document, fraction=HELD_OUT, seed=0)
    }
    assert len(reserved) == manifest["heldout_documents"]
    for task, parts in (("ner", 1), ("classify", 0)):
        for name, inside in (("train", False), ("dev", False), ("test", True)):
            lines = (demo / "labelled-0" / task / f"{name}.jsonl").read_text("utf-8").splitlines()
            documents = {json.loads(line)["id"].rsplit("-", parts)[0] for line in lines}
            assert documents
            assert (documents <= reserved) if inside else not documents & reserved


def test_a_second_demonstration_replaces_the_first_but_no_other_folder(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    assert main(["demo", "--output", str(tmp_path), "--quiet"]) == 2
    assert (tmp_path / "mine.txt").read_text("utf-8") == "keep"
    assert main(["demo", "--output", str(demo / "corpus"), "--quiet"]) == 2
    assert (demo / "corpus" / "manifest.json").is_file()
