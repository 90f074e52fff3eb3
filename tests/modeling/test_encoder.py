"""The LLaMA recipe and other encoders: parity with transformers on the same weights, isolation, files, refusals."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    EuroBertForMaskedLM,
    FNetConfig,
    FNetForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
)

from corpus.errors import UserError
from macbert.modeling import MacEncoderForPreTraining, build_model, load_model, model_config
from macbert.modeling.loading import quiet_transformers

VOCAB = 200
Rows = Callable[..., Any]
SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="module")
def model() -> MacEncoderForPreTraining:
    return build_model("tiny", VOCAB, encoder="eurobert", init_seed=1)


def test_the_recipe_is_llamas_and_as_large_as_bert() -> None:
    config = model_config("base", 21128, encoder="eurobert")
    assert (config.hidden_act, config.attention_bias, config.mlp_bias) == ("silu", False, False)
    model = build_model("tiny", VOCAB, encoder="eurobert").masked_lm.model
    layer = model.layers[0]
    assert type(layer.input_layernorm).__name__ == "EuroBertRMSNorm"
    assert not layer.self_attn.is_causal
    assert not any("position_embed" in name for name, _ in model.named_parameters())
    for preset in ("tiny", "mini", "small", "base", "large"):
        bert, euro = (model_config(preset, VOCAB, encoder=name) for name in ("bert", "eurobert"))
        assert 1 <= 3 * euro.intermediate_size / (2 * bert.intermediate_size) < 1.13, preset


def test_loss_and_gradients_equal_those_of_transformers_on_the_same_weights(
    model: MacEncoderForPreTraining, one_piece_rows: Rows, as_dense_labels: Rows
) -> None:
    reference = EuroBertForMaskedLM(model.config)
    reference.load_state_dict(model.masked_lm.state_dict())
    order = copy.deepcopy(model.sentence_order)
    batch = one_piece_rows()
    mask = (batch["piece_ids"] != 0).long()
    labels = as_dense_labels(batch)
    dense = reference(batch["input_ids"], attention_mask=mask, labels=labels)
    hidden = reference.model(batch["input_ids"], attention_mask=mask).last_hidden_state
    sop = order.classifier(torch.tanh(order.dense(hidden[:, 0])))
    expected = dense.loss + torch.nn.functional.cross_entropy(sop, batch["sop_labels"][:, 0])
    ours = copy.deepcopy(model)
    found = ours(**batch)
    torch.testing.assert_close(found.loss, expected, atol=1e-5, rtol=0)
    at_chosen = torch.gather(dense.logits, 1, batch["masked_positions"][..., None].expand(-1, -1, VOCAB))
    torch.testing.assert_close(found.masked_logits, at_chosen, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.sop_logits[:, 0], sop, atol=1e-5, rtol=0)
    found.loss.backward()
    expected.backward()
    gradients = {f"masked_lm.{name}": p.grad for name, p in reference.named_parameters()}
    gradients |= {f"sentence_order.{name}": p.grad for name, p in order.named_parameters()}
    assert {name for name, _ in ours.named_parameters()} == set(gradients)
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-5, rtol=1e-4, msg=name)


def test_a_saved_model_loads_in_plain_transformers_with_every_key_used(
    model: MacEncoderForPreTraining, tmp_path: Path, packed_rows: Rows
) -> None:
    with quiet_transformers():
        model.save_pretrained(tmp_path)
        plain, info = EuroBertForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
        _, bare = AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not bare["missing_keys"]
    row = packed_rows()["input_ids"]
    ours = model(row, masked_positions=torch.arange(32).expand(len(row), -1))
    torch.testing.assert_close(ours.masked_logits, plain(row).logits, atol=1e-5, rtol=0)
    assert set(load_file(tmp_path / "heads.safetensors")) == {
        f"sentence_order.{layer}.{kind}" for layer in ("dense", "classifier") for kind in ("weight", "bias")
    }
    again = load_model(str(tmp_path))
    assert (again.fresh, again.unused) == ((), ())
    assert all(torch.equal(again.model.state_dict()[name], value) for name, value in model.state_dict().items())
    read = model.read_weights(tmp_path)
    assert set(model.state_dict()) - set(read) == set(model.all_tied_weights_keys)


def test_without_heads_the_order_head_is_seeded_and_named(model: MacEncoderForPreTraining, tmp_path: Path) -> None:
    with quiet_transformers():
        model.save_pretrained(tmp_path)
    (tmp_path / "heads.safetensors").unlink()
    first, again, other = (load_model(str(tmp_path), init_seed=seed) for seed in (5, 5, 6))
    assert first.fresh == tuple(f"sentence_order.{name}" for name in model.sentence_order.state_dict())
    weights = [loaded.model.sentence_order.dense.weight for loaded in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_heads_of_another_size_are_refused(model: MacEncoderForPreTraining, tmp_path: Path) -> None:
    with quiet_transformers():
        model.save_pretrained(tmp_path)
    save_file({"sentence_order.dense.weight": torch.zeros(3, 3)}, tmp_path / "heads.safetensors")
    with pytest.raises(UserError, match=r"heads\.safetensors: expected the weights sentence_order"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("reference", "offset"),
    [
        (RobertaForMaskedLM(RobertaConfig(vocab_size=VOCAB, pad_token_id=1, **SMALL)), 2),
        (ModernBertForMaskedLM(ModernBertConfig(vocab_size=VOCAB, pad_token_id=0, local_attention=8, **SMALL)), 0),
    ],
)
def test_another_encoder_of_transformers_gives_its_own_logits(reference: Any, offset: int, packed_rows: Rows) -> None:
    reference.eval()
    ours = MacEncoderForPreTraining(reference)
    assert ours.position_offset == offset
    row = packed_rows()["input_ids"][:, 5:20]
    places = torch.arange(15).expand(3, -1)
    found = ours(row, places, position_ids=places, piece_ids=torch.ones_like(row)).masked_logits
    torch.testing.assert_close(found, reference(row).logits, atol=1e-5, rtol=0)


def test_an_encoder_whose_pieces_see_each_other_is_refused() -> None:
    mixes_all_tokens = FNetForMaskedLM(FNetConfig(vocab_size=VOCAB, pad_token_id=3, **SMALL)).eval()
    with pytest.raises(UserError, match="--model: FNetForMaskedLM"):
        MacEncoderForPreTraining(mixes_all_tokens)
