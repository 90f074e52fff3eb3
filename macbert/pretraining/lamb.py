"""LAMB, the optimiser of the MacBERT paper: Adam's direction, each matrix moved by a share of its own norm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch


class Lamb(torch.optim.Optimizer):
    """Layer-wise adaptive moments (You et al. 2020, arXiv 1904.00962, algorithm 2, with bias correction).

    ``r = m / (sqrt(v) + eps) + weight_decay * w`` and ``w -= lr * |w| / |r| * r``. Vectors (biases, LayerNorm) move by
    ``lr * r``: their norm says nothing about their scale.

    Args:
        params: parameters or groups.
        lr: learning rate; a share of a matrix's norm.
        betas: decays of the two moments.
        eps: added to the root of the second moment.
        weight_decay: decoupled weight decay.

    >>> weight = torch.nn.Parameter(torch.tensor([[3.0, 4.0]]))
    >>> weight.grad = torch.tensor([[1.0, 1.0]])
    >>> Lamb([weight], lr=0.1).step()
    >>> weight.detach().round(decimals=3).tolist()  # |w| = 5, |r| = sqrt(2): each moves by 0.1 * 5 / sqrt(2)
    [[2.6459999084472656, 3.6459999084472656]]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    # The step count is a tensor, as in torch's AdamW, so that all state is saved alike.
                    state["step"] = torch.zeros((), dtype=torch.float32)
                    state["exp_avg"] = torch.zeros_like(weight)
                    state["exp_avg_sq"] = torch.zeros_like(weight)
                state["step"] += 1
                steps = float(state["step"])
                first, second = state["exp_avg"], state["exp_avg_sq"]
                first.lerp_(weight.grad, 1 - beta1)
                second.mul_(beta2).addcmul_(weight.grad, weight.grad, value=1 - beta2)
                root = (second / (1 - beta2**steps)).sqrt_().add_(group["eps"])
                move = (first / (1 - beta1**steps)).div_(root)
                if group["weight_decay"]:
                    move.add_(weight, alpha=group["weight_decay"])
                if weight.ndim > 1:
                    size, length = weight.norm(), move.norm()
                    # No sync: the ratio stays on the device, and is 1 where either norm is 0.
                    move *= torch.where((size > 0) & (length > 0), size / length, torch.ones_like(size))
                weight.sub_(move * group["lr"])
        return loss
