"""Optimisers, and their state as plain tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from macbert.modeling import build_model
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.lamb import Lamb
from macbert.pretraining.optimizer import build_optimizer


def test_lamb_moves_as_the_papers_formula_says() -> None:
    draw = np.random.default_rng(0)
    matrix, vector = draw.normal(size=(3, 4)), draw.normal(size=4)
    parameters = [torch.nn.Parameter(torch.tensor(value)) for value in (matrix, vector)]
    ours = Lamb(parameters, lr=0.02, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1)
    weights, moments = [matrix, vector], [(0.0, 0.0), (0.0, 0.0)]
    for step in range(1, 6):
        for index, weight in enumerate(weights):
            gradient = draw.normal(size=weight.shape)
            parameters[index].grad = torch.tensor(gradient)
            first = 0.9 * moments[index][0] + 0.1 * gradient
            second = 0.98 * moments[index][1] + 0.02 * gradient**2
            moments[index] = (first, second)
            move = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.98**step)) + 1e-6) + 0.1 * weight
            ratio = np.linalg.norm(weight) / np.linalg.norm(move) if weight.ndim > 1 else 1.0
            weights[index] = weight - 0.02 * ratio * move
        ours.step()
    for parameter, weight in zip(parameters, weights, strict=True):
        np.testing.assert_allclose(parameter.detach().numpy(), weight, rtol=1e-9)


def test_a_zero_matrix_moves_by_the_plain_step() -> None:
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    weight.grad = torch.ones(2, 2)
    Lamb([weight], lr=0.1).step()
    assert torch.allclose(weight.detach(), torch.full((2, 2), -0.1))


@pytest.mark.parametrize("optim", ["adamw", "lamb"])
def test_weight_decay_is_on_matrices_only(optim: Any) -> None:
    model = build_model("tiny", 50)
    optimizer = build_optimizer(model, PretrainConfig(data=["d"], output="o", weight_decay=0.1, optim=optim))
    for group in optimizer.param_groups:
        assert {parameter.ndim > 1 for parameter in group["params"]} == {group["weight_decay"] > 0}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))


def test_a_lamb_run_resumes_bit_by_bit(fake_pretrain: Callable[..., Any], tmp_path: Path, hashes: Any) -> None:
    fake_pretrain(tmp_path / "run", optim="lamb")
    expected = hashes(tmp_path / "run", 12)
    (tmp_path / "run" / "checkpoint-12").rename(tmp_path / "away")
    assert fake_pretrain(tmp_path / "run", optim="lamb").resumed_from == 8
    assert hashes(tmp_path / "run", 12) == expected
