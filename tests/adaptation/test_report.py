"""Did adapting pay: the same encoder twice gains nothing, a spoiled one shows, and what lacks is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from corpus.errors import UserError
from macbert.adaptation import AdaptReport, AdaptReportConfig, adapt_report


@pytest.fixture
def task(small_road: Any, tmp_path: Path) -> Path:
    path = tmp_path / "task.yaml"
    settings = {"task": "classify", "train": str(small_road.reviews), "dev": str(small_road.reviews), "max_steps": 2}
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def test_an_encoder_compared_with_itself_gains_nothing(small_road: Any, task: Path, tmp_path: Path) -> None:
    settings = AdaptReportConfig(
        before=str(small_road.run),
        after=str(small_road.run),
        task=str(task),
        test=str(small_road.reviews),
        domain=[str(small_road.tokens)],
        output=str(tmp_path / "report"),
        seeds=2,
    )
    report = adapt_report(settings)
    assert report.gains == [0.0, 0.0]
    assert not report.paid
    (loss,) = report.losses.values()
    assert loss["before"] == loss["after"] > 0
    written = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert written["losses"] == report.losses
    assert ("did adapting pay", "not shown by these seeds") in report.summary()


def test_a_spoiled_encoder_shows_in_the_held_out_loss(small_road: Any, task: Path, tmp_path: Path) -> None:
    # The manifest would name the change of a run's weights: a copy without one is a foreign model.
    spoiled = tmp_path / "spoiled"
    shutil.copytree(small_road.run, spoiled, ignore=shutil.ignore_patterns("checkpoint-*", "manifest.json"))
    weights = load_file(spoiled / "model.safetensors")
    weights["cls.predictions.bias"][0] += 50.0
    save_file(weights, spoiled / "model.safetensors", metadata={"format": "pt"})
    report = adapt_report(
        AdaptReportConfig(
            before=str(small_road.run),
            after=str(spoiled),
            task=str(task),
            general=[str(small_road.tokens)],
            output=str(tmp_path / "report"),
            seeds=1,
        )
    )
    ((name, loss),) = report.losses.items()
    assert name == f"general: {small_road.tokens.name}"
    # One token's score was raised by 50 everywhere: about 50 nats less what the right answers lose by it.
    assert loss["after"] > loss["before"] + 30


def test_gains_must_be_more_than_chance() -> None:
    def report(before: list[float], after: list[float]) -> AdaptReport:
        return AdaptReport("out", {}, "f1", {"before": before, "after": after}, "dev.jsonl")

    assert report([0.5, 0.5, 0.5], [0.6, 0.61, 0.59]).paid
    assert not report([0.5, 0.6, 0.5], [0.7, 0.4, 0.52]).paid


def test_what_is_missing_is_named_before_anything_is_written(small_road: Any, task: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    settings = {"before": str(small_road.run), "after": str(tmp_path / "none"), "task": str(task), "output": str(out)}
    with pytest.raises(UserError, match="none"):
        adapt_report(AdaptReportConfig(**settings))
    with pytest.raises(UserError, match=r"missing\.yaml"):
        adapt_report(AdaptReportConfig(**{**settings, "task": str(tmp_path / "missing.yaml")}))
    assert not out.exists()
