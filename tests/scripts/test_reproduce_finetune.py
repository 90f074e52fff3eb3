"""One command per row of the paper's tables, for a BERT folder that the user has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForPreTraining

from macbert.config.recipes import list_recipes
from macbert.modeling.loading import quiet_transformers

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "reproduce" / "finetune.sh"
CHARACTERS = "李雷在北京工作，王芳说天气很好坏吗谁哪里的是不。"

ROWS: dict[str, list[dict[str, Any]]] = {
    "chnsenticorp": [{"text": "天气很好", "label": "1"}, {"text": "天气很坏", "label": "0"}],
    "ocnli": [
        {"text_a": "天气很好", "text_b": "天气不坏", "label": "entailment"},
        {"text_a": "天气很好", "text_b": "天气很坏", "label": "contradiction"},
    ],
    "cmrc2018": [{"context": "李雷在北京工作。", "question": "李雷在哪里？", "answers": [{"start": 3, "end": 5}]}],
    "msra": [{"text": "李雷在北京", "entities": [[0, 2, "PER"], [3, 5, "LOC"]]}],
    "cluener": [{"text": "李雷在北京", "entities": [[0, 2, "name"], [3, 5, "address"]]}],
    "sighan15": [{"source": "天气很坏", "target": "天气很好"}],
}
"""Texts of each kind of row; the others have the same forms."""


def reproduce(*arguments: object, rc: int = 0) -> tuple[str, str]:
    environment = {
        **os.environ,
        "MACBERT": f"{sys.executable} -P -m macbert",
        "PYTHON": sys.executable,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = ["bash", str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == rc, done.stdout + done.stderr
    return done.stdout, done.stderr


def write_model(folder: Path, **shape: int) -> Path:
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(0)
        BertForPreTraining(BertConfig(**{"vocab_size": 21128, **shape})).save_pretrained(folder)
    words = ["[PAD]", *(f"[unused{n}]" for n in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return folder


def write_data(folder: Path, rows: dict[str, list[dict[str, Any]]]) -> Path:
    for row, examples in rows.items():
        (folder / row).mkdir(parents=True)
        for part in ("train", "dev") if row in ("ocnli", "tnews") else ("train", "dev", "test"):
            lines = "".join(json.dumps(example, ensure_ascii=False) + "\n" for example in examples)
            (folder / row / f"{part}.jsonl").write_text(lines, encoding="utf-8")
    return folder


SMALL = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 64}


def test_a_row_is_trained_scored_and_tabled_once(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", **SMALL)
    data = write_data(tmp_path / "data", {"ocnli": ROWS["ocnli"]})
    output = tmp_path / "out"
    shown, _ = reproduce(model, data, output, "ocnli", "--", "--seeds", 1, "--max-steps", 1, "--quiet")
    assert "| dev | accuracy | 50.0 (50.0) | 1 | 77.0 (76.5) |" in shown
    config = json.loads((output / "ocnli" / "model" / "manifest.json").read_text(encoding="utf-8"))["config"]
    assert (config["learning_rate"], config["max_length"]) == (2e-5, 128)
    again, _ = reproduce(model, data, output, "all")
    assert again == f"ocnli: done, {output}/ocnli/table.md\n"


def test_seeds_are_told_as_their_best_and_their_mean(tmp_path: Path) -> None:
    for name, value in (("dev-seed-0", 0.5), ("dev-seed-1", 0.75), ("test-seed-0", 0.25)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"metrics": {"accuracy": value}}), encoding="utf-8")
    script = ROOT / "scripts" / "reproduce" / "best_and_mean.py"
    files = sorted(map(str, tmp_path.glob("*.json")))
    shown = subprocess.run([sys.executable, script, "bq", *files], capture_output=True, text=True, check=True).stdout
    rows = ["| dev | accuracy | 75.0 (62.5) | 2 |  |", "| test | accuracy | 25.0 (25.0) | 1 | 85.2 (84.9) |"]
    assert shown.splitlines()[2:] == rows


def test_wrong_rows_and_missing_files_are_told_before_anything_runs(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", {"ocnli": ROWS["ocnli"]})
    _, error = reproduce("m", data, tmp_path / "out", "clue", rc=2)
    assert "found 'clue'" in error
    assert "chnsenticorp" in error
    _, error = reproduce("m", data, tmp_path / "out", "ocnli", "bq", rc=2)
    assert f"{data}/bq/train.jsonl: expected labelled texts, found nothing" in error
    _, error = reproduce("m", tmp_path, tmp_path / "out", "all", rc=2)
    assert "found none" in error
    _, error = reproduce(rc=2)
    assert "MODEL DATA OUTPUT ROW" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("row", sorted(list_recipes("finetune")))
def test_a_recipe_runs_on_a_folder_shaped_as_bert_base(tmp_path: Path, row: str) -> None:
    recipe = list_recipes("finetune")[row].read_text(encoding="utf-8")
    task = next(line.split()[1] for line in recipe.splitlines() if line.startswith("task:"))
    kinds = {"classify": "chnsenticorp", "mrc": "cmrc2018", "ner": "msra", "correct": "sighan15"}
    pairs = {"xnli", "lcqmc", "bq", "ocnli"}
    data = write_data(tmp_path / "data", {row: ROWS.get(row) or ROWS["ocnli" if row in pairs else kinds[task]]})
    model = write_model(tmp_path / "model")
    reproduce(model, data, tmp_path / "out", row, "--", "--seeds", 1, "--max-steps", 1, "--quiet")
    table = (tmp_path / "out" / row / "table.md").read_text(encoding="utf-8").splitlines()
    assert len(table) > 3
    assert all(" | 1 | " in line for line in table[2:])
    for folder in ("model", "out"):
        shutil.rmtree(tmp_path / folder)  # 400 MB each
