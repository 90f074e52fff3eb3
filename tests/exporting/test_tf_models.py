"""TensorFlow 1 checkpoints to our folders and back: names, transposes, every bit; and what does not fit is listed."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from corpus.errors import UserError
from macbert.exporting import ExportConfig, ImportConfig, export_model, import_model
from macbert.exporting.tf_checkpoint import TfCheckpoint, write_checkpoint
from macbert.exporting.tf_names import bert_names

FIXTURE = Path(__file__).with_name("tensorflow_checkpoint.json")
"""A checkpoint that TensorFlow itself wrote, by ``scripts/reproduce/tensorflow_checkpoint.py``: zlib and base64."""


@pytest.fixture
def exported(encoder: Path, tmp_path: Path) -> Path:
    """The small encoder as a TensorFlow checkpoint."""
    export_model(ExportConfig(model=str(encoder), output=str(tmp_path / "tf"), format="tf"))
    return tmp_path / "tf"


def test_there_and_back_every_bit_is_the_same(encoder: Path, exported: Path, tmp_path: Path) -> None:
    done = import_model(ImportConfig(input=str(exported), output=str(tmp_path / "back")))
    before, after = load_file(encoder / "model.safetensors"), load_file(tmp_path / "back" / "model.safetensors")
    assert {name: value.tobytes() for name, value in after.items()} == {
        name: value.tobytes() for name, value in before.items() if not name.startswith("cls.predictions.decoder.")
    }
    assert (done.missing, done.left_out) == ([], [])
    again = tmp_path / "again"
    export_model(ExportConfig(model=str(tmp_path / "back"), output=str(again), format="tf"))
    for name in ("bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001", "bert_config.json", "vocab.txt"):
        assert (again / name).read_bytes() == (exported / name).read_bytes(), name


def test_plain_transformers_says_the_same_of_the_folder_that_comes_back(
    encoder: Path, exported: Path, tmp_path: Path
) -> None:
    from transformers import BertForPreTraining

    import_model(ImportConfig(input=str(exported / "bert_model.ckpt"), output=str(tmp_path / "back")))
    ids = torch.arange(5, 15)[None]
    with torch.no_grad():
        first, second = (
            BertForPreTraining.from_pretrained(folder).eval()(input_ids=ids) for folder in (encoder, tmp_path / "back")
        )
    assert torch.equal(first.prediction_logits, second.prediction_logits)
    assert torch.equal(first.seq_relationship_logits, second.seq_relationship_logits)


def test_names_and_shapes_are_those_of_googles_code(exported: Path) -> None:
    variables = TfCheckpoint(exported / "bert_model.ckpt").variables
    config = json.loads((exported / "bert_config.json").read_text("utf-8"))
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    expected = {
        "bert/embeddings/word_embeddings": (config["vocab_size"], hidden),
        "bert/embeddings/LayerNorm/gamma": (hidden,),
        "bert/encoder/layer_0/attention/self/query/kernel": (hidden, hidden),
        "bert/encoder/layer_0/intermediate/dense/kernel": (hidden, wide),
        "bert/encoder/layer_0/output/dense/kernel": (wide, hidden),
        "bert/pooler/dense/kernel": (hidden, hidden),
        "cls/predictions/transform/dense/kernel": (hidden, hidden),
        "cls/predictions/output_bias": (config["vocab_size"],),
        "cls/seq_relationship/output_weights": (2, hidden),
    }
    assert {name: variables[name].shape for name in expected} == expected
    assert not any("decoder" in name for name in variables)


def test_a_kernel_is_turned_and_the_order_heads_weights_are_not(encoder: Path, exported: Path) -> None:
    ours, theirs = load_file(encoder / "model.safetensors"), TfCheckpoint(exported / "bert_model.ckpt")
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert np.array_equal(theirs.read("bert/encoder/layer_0/attention/self/query/kernel"), ours[name].T)
    assert np.array_equal(theirs.read("cls/seq_relationship/output_weights"), ours["cls.seq_relationship.weight"])


def changed(folder: Path, change: Any) -> None:
    """Write a checkpoint's variables anew after a change."""
    checkpoint = TfCheckpoint(folder / "bert_model.ckpt")
    tensors = {name: checkpoint.read(name).copy() for name in checkpoint.variables}
    change(tensors)
    write_checkpoint(folder / "bert_model.ckpt", tensors)


def test_the_optimisers_state_is_left_out_and_absent_heads_are_named(exported: Path, tmp_path: Path) -> None:
    def change(tensors: dict[str, Any]) -> None:
        for name in [name for name in tensors if name.startswith("cls/seq")]:
            del tensors[name]
        tensors["bert/pooler/dense/bias/adam_m"] = np.zeros(3, np.float32)
        tensors["output_weights"] = np.zeros(3, np.float32)

    changed(exported, change)
    done = import_model(ImportConfig(input=str(exported), output=str(tmp_path / "back")))
    assert done.missing == ["cls.seq_relationship.weight", "cls.seq_relationship.bias"]
    assert done.left_out == ["bert/pooler/dense/bias/adam_m", "output_weights"]
    told = dict(done.summary())
    assert told["left out"] == "output_weights, 1 of the optimiser's state"
    assert json.loads((tmp_path / "back" / "config.json").read_text("utf-8"))["architectures"] == ["BertModel"]


def refused(folder: Path, tmp_path: Path) -> list[str]:
    """Import what must be refused, and return the messages."""
    with pytest.raises(UserError) as caught:
        import_model(ImportConfig(input=str(folder), output=str(tmp_path / "back")))
    assert not (tmp_path / "back").exists()
    return [str(problem) for problem in caught.value.problems]


def test_every_missing_and_misshapen_weight_is_named_at_once(exported: Path, tmp_path: Path) -> None:
    def change(tensors: dict[str, Any]) -> None:
        del tensors["bert/embeddings/LayerNorm/beta"]
        tensors["bert/pooler/dense/bias"] = np.zeros(5, np.float32)

    changed(exported, change)
    lines = refused(exported, tmp_path)
    assert len(lines) == 2
    assert "1 missing: bert/embeddings/LayerNorm/beta; there are: bert/embeddings/LayerNorm/gamma" in lines[0]
    assert "bert/pooler/dense/bias: expected shape (64,), found (5,)" in lines[1]


@pytest.mark.parametrize("name", ["bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_file_is_refused(exported: Path, tmp_path: Path, name: str, damage: str) -> None:
    path = exported / name
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    else:
        path.unlink()
    assert len(refused(exported, tmp_path)) == 1


def test_a_vocabulary_of_another_size_is_refused(exported: Path, tmp_path: Path) -> None:
    (exported / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", encoding="utf-8")
    assert "vocab.txt: expected" in refused(exported, tmp_path)[0]


def test_untied_output_embeddings_have_no_place_there(encoder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "untied"
    folder.mkdir()
    for path in encoder.iterdir():
        if path.name not in ("manifest.json", "model.safetensors"):
            (folder / path.name).write_bytes(path.read_bytes())
    tensors = load_file(encoder / "model.safetensors")
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"] + 1
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"decoder\.weight equal to"):
        export_model(ExportConfig(model=str(folder), output=str(tmp_path / "tf"), format="tf"))


def test_a_checkpoint_that_tensorflow_wrote_is_read(tmp_path: Path) -> None:
    told = json.loads(FIXTURE.read_text("utf-8"))
    for name, data in told["files"].items():
        (tmp_path / name).write_bytes(zlib.decompress(base64.b64decode(data)))
    checkpoint = TfCheckpoint(tmp_path / told["prefix"])
    assert set(checkpoint.variables) == set(told["variables"])
    for name, (shape, first, total) in told["variables"].items():
        value = checkpoint.read(name)
        assert list(value.shape) == shape
        assert float(value.flat[0]) == first
        assert float(value.astype(np.float64).sum()) == total


def test_every_weight_has_one_name_on_each_side() -> None:
    sizes = {"hidden_size": 8, "intermediate_size": 16, "vocab_size": 30, "num_hidden_layers": 3}
    names = bert_names({**sizes, "max_position_embeddings": 5, "type_vocab_size": 2})
    assert len({name.ours for name in names}) == len({name.theirs for name in names}) == len(names)
    assert len(names) == 5 + 3 * 16 + 2 + 4 + 3
