"""Where weights come from, and that every one is accounted for."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining

from corpus.errors import UserError
from macbert.modeling import build_model, load_model, set_dropout
from macbert.modeling.loading import quiet_transformers, resolve_model

SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


def save(model: torch.nn.Module, folder: Path) -> Path:
    with quiet_transformers():
        model.save_pretrained(folder)
    return folder


def test_the_same_seed_gives_the_same_model_and_leaves_the_global_state() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, second, third = (build_model("tiny", 50, init_seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.rand(1), expected)
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.bert.pooler.dense.weight, third.bert.pooler.dense.weight)


def test_a_checkpoint_of_plain_transformers_loads_with_every_key_used(tmp_path: Path) -> None:
    theirs = BertForPreTraining(BertConfig(vocab_size=60, **SMALL))
    loaded = load_model(str(save(theirs, tmp_path)))
    assert (loaded.fresh, loaded.unused) == ((), ())
    ours = loaded.model.state_dict()
    assert set(ours) == set(theirs.state_dict())
    assert all(torch.equal(ours[name], value) for name, value in theirs.state_dict().items())


def test_a_model_without_heads_gets_seeded_ones_and_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(BertForMaskedLM(BertConfig(vocab_size=60, **SMALL)), tmp_path)
    with caplog.at_level(logging.WARNING):
        first = load_model(str(tmp_path), init_seed=5)
    assert "cls.seq_relationship.weight" in first.fresh
    assert "cls.seq_relationship.weight" in caplog.text
    again = load_model(str(tmp_path), init_seed=5)
    assert torch.equal(first.model.cls.seq_relationship.weight, again.model.cls.seq_relationship.weight)


def test_unwanted_keys_are_named(tmp_path: Path) -> None:
    save(BertForPreTraining(BertConfig(vocab_size=60, **SMALL)), tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    tensors["classifier.weight"] = torch.zeros(2, 2)
    tensors["bert.embeddings.position_ids"] = torch.arange(512)[None]
    save_file(tensors, path, metadata={"format": "pt"})
    assert load_model(str(tmp_path)).unused == ("classifier.weight",)


@pytest.mark.parametrize(
    ("vocab_size", "max_length", "message"),
    [(61, 128, "expected 61 vocabulary entries, found 60"), (60, 1024, "expected at least 1024 positions")],
)
def test_a_model_that_does_not_fit_is_refused(tmp_path: Path, vocab_size: int, max_length: int, message: str) -> None:
    save(BertForPreTraining(BertConfig(vocab_size=60, **SMALL)), tmp_path)
    with pytest.raises(UserError, match=message):
        resolve_model(str(tmp_path), vocab_size, max_length=max_length, init_seed=0)


def test_a_missing_model_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--model: expected a size"):
        resolve_model(str(tmp_path / "none"), 60, max_length=128, init_seed=0)


def test_torn_weights_are_a_user_error(tmp_path: Path) -> None:
    save(BertForPreTraining(BertConfig(vocab_size=60, **SMALL)), tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="expected loadable weights"):
        load_model(str(tmp_path))


def test_dropout_is_set_without_touching_the_saved_configuration() -> None:
    model = build_model("tiny", 50)
    set_dropout(model, 0.0)
    rows = torch.arange(5, 25)[None]
    assert torch.equal(model(rows).prediction_logits, model(rows).prediction_logits)
    assert model.config.hidden_dropout_prob == 0.1
