"""The exported folder: its card says what the manifests know and no more, and mistakes are told."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from corpus.errors import MissingExtra, UserError
from corpus.manifest import config_hash, read_manifest, write_manifest
from macbert.cli import main
from macbert.exporting import ExportConfig, export_model, load_exported

pytest.importorskip("onnxruntime", reason="the export extra is not installed")
pytest.importorskip("onnx", reason="the export extra is not installed")

pytestmark = pytest.mark.usefixtures("one_thread")


def header_of(card: str) -> dict[str, object]:
    _, header, _ = card.split("---\n", 2)
    return yaml.safe_load(header)


def test_the_card_tells_what_the_manifests_know(model_of: Callable[[str], Path], tmp_path: Path) -> None:
    model = tmp_path / "my names"
    shutil.copytree(model_of("bio"), model)
    seed = {"seed": 3, "value": 0.9, "metrics": {"f1": 0.9, "precision": 0.8125}}
    result = {"seeds": [seed], "train_examples": 1234, "dev_examples": 56}
    (model / "result.json").write_text(json.dumps(result), encoding="utf-8")
    config = {"task": "ner", "train": "data/我的.jsonl", "dev": "d.jsonl", "model": "gone/run", "learning_rate": 3e-5}
    write_manifest(model, "finetuned", config=config, inputs={"train": "ab" * 32, "dev": "cd" * 32})

    export_model(ExportConfig(model=str(model), output=str(tmp_path / "onnx"), license="apache-2.0", name="名字: [x]"))
    card = (tmp_path / "onnx" / "README.md").read_text("utf-8")
    header = header_of(card)
    assert (header["language"], header["license"]) == (["zh"], "apache-2.0")
    assert header["pipeline_tag"] == "token-classification"
    assert "# 名字: [x]" in card
    assert f"`{config_hash(config)[:16]}`" in card
    assert "`我的.jsonl`" in card
    assert f"`{'ab' * 8}`" in card
    assert "precision: 0.8125" in card
    assert "1,234 for training, 56 in dev" in card
    assert str(tmp_path) not in card
    assert read_manifest(tmp_path / "onnx", "exported")["task"] == "ner"


def test_the_card_makes_nothing_up(model_of: Callable[[str], Path], tmp_path: Path) -> None:
    export_model(ExportConfig(model=str(model_of("bio")), output=str(tmp_path / "onnx")))
    card = (tmp_path / "onnx" / "README.md").read_text("utf-8")
    assert header_of(card)["license"] == "unknown"
    assert "None are recorded" in card
    assert "unknown: the folder has no manifest" in card


def test_an_export_is_exported_again_only_from_its_source(encoder: Path, tmp_path: Path) -> None:
    call = ["export", "--model", str(encoder), "--output", str(tmp_path / "onnx"), "--quiet", "--json"]
    assert main(call) == 0
    assert main(call) == 0  # an earlier export may be replaced
    with pytest.raises(UserError, match="found an exported model; give the folder"):
        export_model(ExportConfig(model=str(tmp_path / "onnx"), output=str(tmp_path / "again")))
    with pytest.raises(UserError, match="an exported model that reads texts"):
        load_exported(tmp_path / "onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_extra_is_named_with_its_install_command(
    package: str, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"{package}: pip install 'macbert-zh\[export\]'"):
        export_model(ExportConfig(model=str(encoder), output=str(tmp_path / "onnx")))
    assert list(tmp_path.iterdir()) == []


def test_a_model_for_another_task_is_refused(model_of: Callable[[str], Path], tmp_path: Path) -> None:
    export_model(ExportConfig(model=str(model_of("mrc")), output=str(tmp_path / "onnx")))
    with pytest.raises(UserError, match="expected a model for ner, found one for mrc"):
        load_exported(tmp_path / "onnx", task="ner")
    with pytest.raises(UserError, match="a 'question'"):
        load_exported(tmp_path / "onnx").extract(["没有问题"])
