"""The optimiser, and its state as plain tensors by parameter name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.lamb import Lamb
from macbert.pretraining.sharding import own_part, whole


def build_optimizer(model: nn.Module, config: PretrainConfig) -> torch.optim.Optimizer:
    """Return fused AdamW, or LAMB, with weight decay on matrices only (biases and LayerNorm have one dimension)."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    betas = (config.adam_beta1, config.adam_beta2)
    if config.optim == "lamb":
        return Lamb(groups, lr=config.learning_rate, betas=betas, eps=config.adam_epsilon)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=betas, eps=config.adam_epsilon, fused=True)


def optimizer_tensors(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the optimiser's state on the CPU as ``<parameter>/<name>``: moments and step counts, no pickle.

    Where the state is shared out between processes, every one of them must ask.
    """
    return {
        f"{name}/{key}": whole(value.detach()).cpu().contiguous()
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def load_optimizer_tensors(
    optimizer: torch.optim.Optimizer, model: nn.Module, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Put back what :func:`optimizer_tensors` returned.

    Raises:
        KeyError: a tensor of a parameter that the model does not have.
    """
    parameters = dict(model.named_parameters())
    for full_name, value in tensors.items():
        name, key = full_name.rsplit("/", 1)
        parameter = parameters[name]
        # A copy: a tensor inside a file's buffer may begin at an odd address. LAMB counts its steps on the CPU.
        if key == "step":
            device = "cpu" if isinstance(optimizer, Lamb) else parameter.device
            optimizer.state[parameter][key] = value.to(device, copy=True)
        else:
            optimizer.state[parameter][key] = own_part(value.clone(), parameter)
