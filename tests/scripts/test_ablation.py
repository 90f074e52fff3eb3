"""The ablation's grid on a few steps: every cell once, resumed without repeating, one table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ablation(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    return load_file(ROOT / "scripts" / "reproduce" / "ablation.py")


def test_the_grid_runs_once_and_goes_on_where_it_stopped(ablation: ModuleType, small_road: Any, tmp_path: Path) -> None:
    labelled = tmp_path / "ner"
    labelled.mkdir()
    for name, source in (("train", small_road.train), ("dev", small_road.dev), ("test", small_road.dev)):
        shutil.copy(source, labelled / f"{name}.jsonl")
    flags = ["--output", str(tmp_path / "grid"), "--tokens", str(small_road.tokens), "--seeds", "1", "--max-steps", "1"]
    flags += ["--task", f"ner:names:{labelled}", "--batch-size", "4", "--finetune-steps", "1"]
    spelling = tmp_path / "spelling.jsonl"
    spelling.write_text('{"source": "今天天汽很好", "target": "今天天气很好"}\n', encoding="utf-8")
    flags += ["--spelling", str(spelling)]
    first = ablation.run(ablation.parser().parse_args([*flags, "--systems", "wwm"]))
    assert "| wwm | " in first
    assert "(1 seed)" in first
    cells = tmp_path / "grid" / "cells"
    times = {path: path.stat().st_mtime_ns for path in cells.iterdir()}
    assert {path.name for path in times} == {"encoder-wwm-0.json", "untrained-wwm-0.json", "names-wwm-0.json"}
    both = ablation.run(ablation.parser().parse_args([*flags, "--systems", "wwm", "mac"]))
    assert "87.18" in both  # the paper's figure stands beside mac's
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len(list(cells.iterdir())) == 6
    assert "replaced tokens restored (mac's masks)" in both
    assert "spelling, not fine-tuned" in both
    assert json.loads((cells / "names-mac-0.json").read_text("utf-8"))["metric"] == "strict_span_f1"


def test_systems_without_sop_and_with_nsp_pretrain_so(ablation: ModuleType, small_road: Any, tmp_path: Path) -> None:
    flags = ["--output", str(tmp_path), "--tokens", str(small_road.tokens), "--max-steps", "1", "--batch-size", "4"]
    arguments = ablation.parser().parse_args(flags)
    record = ablation.Record(tmp_path)
    told, losses = {}, {}
    for system in ("mac-no-sop", "mac-nsp"):
        ablation.encoder(arguments, record, system, 0, [str(small_road.tokens)], tmp_path)
        folder = tmp_path / "encoders" / f"{system}-0"
        config = json.loads((folder / "manifest.json").read_text("utf-8"))["config"]
        told[system] = (config["masking"]["strategy"], config["sentence_prediction"])
        first = json.loads((folder / "log.jsonl").read_text("utf-8").splitlines()[0])
        losses[system] = first["sop_loss"]
    assert told == {"mac-no-sop": ("mac", "none"), "mac-nsp": ("mac", "nsp")}
    assert losses["mac-no-sop"] is None
    assert losses["mac-nsp"] > 0


def test_means_have_students_interval(ablation: ModuleType) -> None:
    # t(0.975, 2) = 4.3027; of 1, 2, 3 the deviation is 1, so half the interval is 4.3027 / sqrt(3).
    assert ablation.interval([1.0, 2.0, 3.0]) == "2.0000 ± 2.4841"
    assert ablation.interval([0.5]) == "0.5000 (1 seed)"
    assert ablation.interval([]) == "not run"
