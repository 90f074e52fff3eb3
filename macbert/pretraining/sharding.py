"""FSDP2: weights, gradients and optimiser state shared out between processes, gathered where they are written."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from corpus.errors import UserError
from macbert.pretraining.config import PretrainConfig

_ASKED_BY_ACCELERATE = "ACCELERATE_USE_FSDP"


def asked_for_sharding(config: PretrainConfig) -> bool:
    """Return whether a run is to be sharded: by its own setting, or by ``accelerate launch --use_fsdp``.

    accelerate's wish is taken out of the environment and done here: our last layer and tied head are sharded so that
    a checkpoint has the same files and names as without.

    Raises:
        UserError: with what a sharded run cannot do.
    """
    launched = os.environ.pop(_ASKED_BY_ACCELERATE, "false").lower() == "true"
    if not launched and config.parallel != "fsdp":
        return False
    for setting, wrong, value in (
        ("--deterministic", config.deterministic == "strict", "strict"),
        ("--mixed-precision", config.mixed_precision == "fp16", "fp16"),
        ("--optim", config.optim == "lamb", "lamb"),
    ):
        if wrong:
            fix = "use --parallel ddp, or change the setting"
            raise UserError.at(setting, expected="what FSDP2 can do", found=value, fix=fix)
    return True


def shard(model: Any, precision: str, *, compiled: bool = False) -> None:
    """Shard every layer of an encoder and what is around them, in place.

    Args:
        model: on its device, with initial weights; its parameters become ``DTensor``.
        precision: with ``bf16`` weights are gathered in bf16 and gradients summed in float32.
        compiled: compile each layer first.
    """
    layers = max((part for part in model.modules() if isinstance(part, nn.ModuleList)), key=len)
    policy = MixedPrecisionPolicy()
    if precision == "bf16":
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for layer in layers:
        if compiled:
            layer.compile(dynamic=False)
        fully_shard(layer, mp_policy=policy)
    fully_shard(model, mp_policy=policy)


def whole(value: torch.Tensor) -> torch.Tensor:
    """Return a tensor of which each process may hold a part; every process must ask, in the same order."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def own_part(value: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """Return what this process holds of a whole tensor that is shared out like a parameter; nothing is sent."""
    if not isinstance(parameter, DTensor):
        return value.to(parameter.device)
    value = value.to(parameter.device)
    return distribute_tensor(value, parameter.device_mesh, parameter.placements, src_data_rank=None)


def whole_weights(model: nn.Module) -> dict[str, torch.Tensor] | None:
    """Return all weights by name, tied ones once, or None where the model holds them whole itself.

    Afterwards every parameter is the shared-out one that the optimiser knows.
    """
    for part in model.modules():
        if isinstance(part, FSDPModule):
            # After a forward pass without a backward one (evaluation) the outermost weights are still gathered.
            part.reshard()
    parameters = dict(model.named_parameters())
    if not any(isinstance(parameter, DTensor) for parameter in parameters.values()):
        return None
    return {name: whole(parameter.detach()).cpu() for name, parameter in parameters.items()}


def set_weights(model: nn.Module, weights: dict[str, torch.Tensor]) -> set[str]:
    """Set a model's weights from whole ones and return the names that it has and ``weights`` lacks."""
    missing = set()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in weights:
                parameter.copy_(own_part(weights[name], parameter))
            else:
                missing.add(name)
    return missing
