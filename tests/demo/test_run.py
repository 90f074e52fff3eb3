"""The demonstration walks every stage, on a part of its data and with a few steps of training."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import pytest

from macbert.cli import main
from macbert.demo import budgets, labelled, source
from macbert.demo.labelled import Sizes


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
        examples=Sizes(train=60, dev=20, test=40),
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


def test_held_out_documents_are_not_in_the_training_tokens(demo: Path) -> None:
    from tokenizer import TokenDocuments

    manifest = json.loads((demo / "tokens" / "manifest.json").read_text("utf-8"))
    tested = {
        json.loads(line)["id"].rsplit("-", 1)[0]
        for line in (demo / "labelled-0" / "ner" / "test.jsonl").read_text("utf-8").splitlines()
    }
    assert 0 < len(tested) <= manifest["heldout_documents"]
    assert len(TokenDocuments.open(demo / "tokens")) == manifest["documents"]


def test_a_second_demonstration_replaces_the_first_but_no_other_folder(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    assert main(["demo", "--output", str(tmp_path), "--quiet"]) == 2
    assert (tmp_path / "mine.txt").read_text("utf-8") == "keep"
    assert main(["demo", "--output", str(demo / "corpus"), "--quiet"]) == 2
    assert (demo / "corpus" / "manifest.json").is_file()
