"""Device, arithmetic and processes, by accelerate."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import TorchDynamoPlugin

from corpus.errors import UserError
from macbert.pretraining.config import PretrainConfig


def build_accelerator(config: PretrainConfig) -> Accelerator:
    """Return the device, the arithmetic and the processes of a run.

    Raises:
        UserError: fp16 without a GPU.
    """
    if not torch.distributed.is_initialized():
        # accelerate keeps the first settings of a process for ever; a second run may want others.
        AcceleratorState._reset_state(reset_partial_state=True)
    has_gpu = torch.cuda.is_available()
    precision = config.mixed_precision
    if precision == "auto":
        precision = "bf16" if config.deterministic == "off" and has_fast_bf16() else "no"
    if precision == "fp16" and not has_gpu:
        fix = "use bf16 or no"
        raise UserError.at("--mixed-precision", expected="a GPU for fp16", found="none", fix=fix)
    # Every micro-batch of a run has the same shape, so one compiled graph serves all.
    compiled = TorchDynamoPlugin(backend="inductor", dynamic=False) if config.torch_compile else None
    return Accelerator(
        cpu=not has_gpu,
        dynamo_plugin=compiled,
        mixed_precision=precision,
        log_with=config.trackers or None,
        project_dir=config.output,
    )


def has_fast_bf16() -> bool:
    """Return whether bf16 products run in hardware (measured on a CPU with AMX: 1.8 to 2 times a step of fp32)."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
