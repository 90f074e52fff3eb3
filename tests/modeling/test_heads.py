"""MacBertForPreTraining against transformers on the same weights, and pieces of a row against each other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertForMaskedLM, BertForPreTraining

from corpus.errors import UserError
from macbert.modeling import MacBertForPreTraining, build_model, model_config, piece_attention_mask, set_dropout
from macbert.modeling.loading import quiet_transformers

VOCAB = 200
Rows = Callable[..., Any]


@pytest.fixture(scope="module")
def model() -> MacBertForPreTraining:
    made = build_model("tiny", VOCAB, init_seed=1)
    set_dropout(made, 0.0)
    return made


def test_loss_and_gradients_equal_those_of_transformers_on_the_same_weights(
    model: MacBertForPreTraining, one_piece_rows: Rows, as_dense_labels: Rows
) -> None:
    reference = BertForPreTraining(model.config)
    reference.load_state_dict(model.state_dict())
    set_dropout(reference, 0.0)
    batch = one_piece_rows()
    expected = reference(
        batch["input_ids"],
        attention_mask=(batch["piece_ids"] != 0).long(),
        token_type_ids=batch["token_type_ids"],
        position_ids=batch["position_ids"],
        labels=as_dense_labels(batch),
        next_sentence_label=batch["sop_labels"][:, 0],
    )
    ours = copy.deepcopy(model)
    found = ours(**batch)
    torch.testing.assert_close(found.loss, expected.loss, atol=1e-5, rtol=0)
    dense_at_chosen = torch.gather(
        expected.prediction_logits, 1, batch["masked_positions"][..., None].expand(-1, -1, VOCAB)
    )
    torch.testing.assert_close(found.masked_logits, dense_at_chosen, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.sop_logits[:, 0], expected.seq_relationship_logits, atol=1e-5, rtol=0)
    found.loss.backward()
    expected.loss.backward()
    gradients = dict(reference.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name].grad, atol=1e-5, rtol=1e-4, msg=name)


def test_a_plain_call_is_that_of_bert_for_pretraining(model: MacBertForPreTraining, one_piece_rows: Rows) -> None:
    reference = BertForPreTraining(model.config)
    reference.load_state_dict(model.state_dict())
    batch = one_piece_rows()
    keys = {"attention_mask": (batch["piece_ids"] != 0).long(), "token_type_ids": batch["token_type_ids"]}
    model.eval(), reference.eval()
    found, expected = model(batch["input_ids"], **keys), reference(batch["input_ids"], **keys)
    assert type(found) is type(expected)
    assert torch.equal(found.prediction_logits, expected.prediction_logits)
    assert torch.equal(found.seq_relationship_logits, expected.seq_relationship_logits)


def test_changing_one_piece_of_a_row_changes_nothing_in_the_others(either: Any, packed_rows: Rows) -> None:
    batch = packed_rows()
    other = {name: value.clone() for name, value in batch.items()}
    other["input_ids"][:, 14:26] = torch.flip(batch["input_ids"][:, 14:26], (1,))
    before, after = either(**batch), either(**other)
    in_first_piece = batch["masked_positions"][0] < 14
    assert torch.equal(before.masked_logits[:, in_first_piece], after.masked_logits[:, in_first_piece])
    assert torch.equal(before.sop_logits[:, 0], after.sop_logits[:, 0])
    assert not torch.equal(before.masked_logits[:, ~in_first_piece], after.masked_logits[:, ~in_first_piece])


def test_a_packed_piece_is_encoded_as_if_it_were_alone(either: Any, packed_rows: Rows) -> None:
    batch = packed_rows()
    alone = {name: batch[name][:, 14:26] for name in ("input_ids", "token_type_ids", "position_ids")}
    packed, single = either(**batch), either(**alone, masked_positions=batch["masked_positions"][:, 2:4] - 14)
    torch.testing.assert_close(packed.masked_logits[:, 2:4], single.masked_logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(packed.sop_logits[:, 1:2], single.sop_logits, atol=1e-5, rtol=0)


def test_gradients_do_not_cross_pieces(model: MacBertForPreTraining, packed_rows: Rows) -> None:
    batch = packed_rows()
    embeddings = model.bert.embeddings.word_embeddings(batch["input_ids"]).detach().requires_grad_()
    mask = piece_attention_mask(batch["piece_ids"])
    hidden = model.bert(
        inputs_embeds=embeddings, attention_mask=mask, position_ids=batch["position_ids"]
    ).last_hidden_state
    hidden[:, :14].sum().backward()
    assert torch.count_nonzero(embeddings.grad[:, 14:]) == 0


def test_sums_do_not_depend_on_how_a_batch_is_cut(either: Any, packed_rows: Rows) -> None:
    batch = packed_rows(rows=6)
    whole = either(**batch)
    parts = [either(**{name: value[i : i + 2] for name, value in batch.items()}) for i in (0, 2, 4)]
    torch.testing.assert_close(sum(part.mlm_loss_sum for part in parts), whole.mlm_loss_sum, atol=1e-4, rtol=1e-6)
    assert sum(int(part.mlm_count) for part in parts) == int(whole.mlm_count) == 6 * 4
    assert sum(int(part.sop_count) for part in parts) == int(whole.sop_count) == 6 * 2


def test_a_batch_with_nothing_to_predict_has_a_zero_loss_and_gradients(either: Any, packed_rows: Rows) -> None:
    batch = packed_rows()
    batch["masked_labels"] = torch.full_like(batch["masked_labels"], -100)
    batch["sop_labels"] = torch.full_like(batch["sop_labels"], -100)
    ours = copy.deepcopy(either)
    out = ours(**batch)
    assert out.loss.item() == 0
    out.loss.backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in ours.parameters())


def test_the_training_path_compiles_without_a_graph_break(either: Any, packed_rows: Rows) -> None:
    explanation = torch._dynamo.explain(either)(**packed_rows(), return_logits=False)
    assert explanation.graph_break_count == 0, explanation.break_reasons


def test_a_saved_model_loads_in_plain_transformers_with_equal_logits(
    model: MacBertForPreTraining, tmp_path: Path, packed_rows: Rows
) -> None:
    with quiet_transformers():
        model.save_pretrained(tmp_path)
        exact, info = BertForPreTraining.from_pretrained(tmp_path, output_loading_info=True)
        assert not info["missing_keys"]
        assert not info["unexpected_keys"]
        masked, info = BertForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert {name.rsplit(".", 2)[0] for name in info["unexpected_keys"]} == {"bert.pooler", "cls"}
    assert all(name.startswith(("bert.pooler.", "cls.seq_relationship.")) for name in info["unexpected_keys"])
    assert exact.config.architectures == ["BertForPreTraining"]
    model.eval()
    row = packed_rows()["input_ids"]
    ours = model(row, masked_positions=torch.arange(32).expand(len(row), -1))
    torch.testing.assert_close(ours.masked_logits, exact.eval()(row).prediction_logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.masked_logits, masked.eval()(row).logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.sop_logits[:, 0], exact(row).seq_relationship_logits, atol=1e-5, rtol=0)


def test_a_size_is_a_preset_or_layers_and_hidden_size() -> None:
    config = model_config("3x192", VOCAB)
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (3, 192, 3)
    assert config.intermediate_size == 4 * 192
    for wrong in ("3x100", "0x64", "x64", "3x", "huge"):
        with pytest.raises(UserError, match="LAYERSxHIDDEN"):
            model_config(wrong, VOCAB)


def test_presets_have_their_sizes() -> None:
    sizes = {name: model_config(name, VOCAB) for name in ("tiny", "mini", "small", "base", "large")}
    shapes = {n: (c.num_hidden_layers, c.hidden_size, c.num_attention_heads) for n, c in sizes.items()}
    assert shapes == {
        "tiny": (2, 128, 2),
        "mini": (4, 256, 4),
        "small": (4, 512, 8),
        "base": (12, 768, 12),
        "large": (24, 1024, 16),
    }
