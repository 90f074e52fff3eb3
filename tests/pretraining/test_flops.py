"""The operations that we count are those that torch counts of the products it does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from macbert.modeling import build_model, set_dropout
from macbert.pretraining.flops import StepFlops, peak_flops

VOCAB = 500
LENGTH, CHOSEN = 64, 9


def one_piece(rows: int = 4) -> dict[str, torch.Tensor]:
    places = torch.arange(LENGTH).expand(rows, -1)
    return {
        "input_ids": places + 5,
        "token_type_ids": torch.zeros_like(places),
        "position_ids": places,
        "piece_ids": torch.ones_like(places),
        "masked_positions": torch.arange(1, CHOSEN + 1).expand(rows, -1),
        "masked_labels": torch.full((rows, CHOSEN), 7),
        "cls_positions": torch.zeros(rows, 1, dtype=torch.int64),
        "sop_labels": torch.ones(rows, 1, dtype=torch.int64),
    }


@pytest.mark.parametrize("encoder", ["bert", "eurobert"])
def test_a_step_has_the_products_that_torch_counts(encoder: str) -> None:
    model: Any = build_model("mini", VOCAB, encoder=encoder)
    set_dropout(model, 0.0)
    batch = one_piece()
    # torch does not look into the fused kernel of a CPU.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(**batch, return_logits=False).loss.backward()
    rows = len(batch["input_ids"])
    ours = StepFlops(model).of(tokens=rows * LENGTH, pairs=rows * LENGTH**2, chosen=rows * CHOSEN, pieces=rows)
    order_head = 6 * rows * (model.config.hidden_size**2 + 2 * model.config.hidden_size)
    assert ours + order_head == counter.get_total_flops()


def test_the_formula_is_the_published_one_for_bert_base() -> None:
    # 581 M operations a token at length 512 and 15 %, with all of the last layer (docs/performance.md).
    model: Any = build_model("tiny", 100)
    flops = StepFlops(model)
    flops.encoder_weights, flops.layers, flops.hidden = 12 * 12 * 768**2, 12, 768
    flops.skipped_weights, flops.head_weights = 0, 768 * 21128 + 768**2
    a_token = flops.of(tokens=512, pairs=512**2, chosen=0.15 * 512, pieces=1) / 512
    assert a_token == pytest.approx(581e6, rel=0.01)


def test_a_processor_has_a_measured_best() -> None:
    torch.set_num_threads(1)
    best = peak_flops(torch.device("cpu"), "no")
    assert best is not None
    assert 1e9 < best < 1e12
