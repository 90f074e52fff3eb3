"""What training an encoder costs before it is done: seconds from its operations, bytes from its weights and tokens."""

from __future__ import annotations

import torch
from torch import nn

from corpus.dry_run import About, resident_bytes
from macbert.pretraining.flops import peak_flops

CPU_SHARE = 0.65
"""Of the best product measured at this moment, what a step reached: 64 to 77 % (docs/performance.md, A CPU step)."""

GPU_SHARE = 0.4
"""Of the data sheet's products. No GPU was measured yet (docs/performance.md): a share that others publish."""

ACTIVATION_BYTES = 68
"""Of a token, a layer and a hidden unit in float32: 34 values of 2 bytes without the attention matrix, doubled
(Korthikanti et al. 2022, Reducing Activation Recomputation, section 4.1)."""


def seconds_for(flops: float, device: torch.device, precision: str, processes: int = 1) -> About:
    """Return the time that some operations take in training."""
    peak = peak_flops(device, precision)
    if peak is None:
        return About(None, f"{flops:.2g} operations; what this GPU does in a second is not in our table")
    share = GPU_SHARE if device.type == "cuda" else CPU_SHARE
    how = "its data sheet's" if device.type == "cuda" else "measured just now"
    told = f"{flops:.2g} operations at {share:.0%} of {peak * processes:.2g} a second ({how})"
    return About(flops / (share * peak * processes), told)


def training_memory(model: nn.Module, tokens: int, logits: int) -> About:
    """Return the memory of a training step.

    Args:
        model: already loaded, so that its weights are in this process's memory.
        tokens: that go through the model at once.
        logits: numbers that the heads give for them.
    """
    config = model.config
    weights = weight_bytes(model)
    activations = ACTIVATION_BYTES * tokens * int(config.num_hidden_layers) * int(config.hidden_size)  # type: ignore[union-attr, arg-type]
    own = resident_bytes()
    basis = "this process, gradients and both of Adam's averages, and the activations of a batch"
    return About(own + 3 * weights + activations + 12 * logits, basis)


def encoder_flops(model: nn.Module, rows: float, length: float) -> float:
    """Return the operations of rows forward and backward, as ``6 N + 12 layers h s`` a token (docs/performance.md)."""
    config = model.config
    products = sum(part.weight.numel() for part in model.modules() if isinstance(part, nn.Linear))
    attention = 12 * int(config.num_hidden_layers) * int(config.hidden_size) * length  # type: ignore[union-attr, arg-type]
    return (6 * products + attention) * rows * length


def weight_bytes(model: nn.Module) -> int:
    """Return the bytes of a model's float32 weights, tied ones once."""
    return 4 * sum(parameter.numel() for parameter in model.parameters())
