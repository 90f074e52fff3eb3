"""Device, arithmetic and processes, by accelerate."""

from __future__ import annotations

import os

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType, TorchDynamoPlugin

from corpus.errors import UserError
from macbert.pretraining.config import PretrainConfig

_DONE = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)
# Asked for by ``accelerate launch``; accelerate would divide the loss, or share out a model that nobody wraps.
_NOT_DONE = {
    "ACCELERATE_USE_MEGATRON_LM": ("false", "Megatron-LM"),
    "ACCELERATE_USE_PARALLELISM_CONFIG": ("false", "--use_parallelism_config"),
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": ("1", "--gradient_accumulation_steps above 1"),
}


def build_accelerator(config: PretrainConfig) -> Accelerator:
    """Return the device, the arithmetic and the processes of a run.

    Raises:
        UserError: fp16 without a GPU, or ``accelerate launch`` was told what the loop does not do.
    """
    for variable, (unset, asked) in _NOT_DONE.items():
        if os.environ.get(variable, unset).lower() != unset:
            raise _not_done(asked)
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
    accelerator = Accelerator(
        cpu=not has_gpu,
        dynamo_plugin=compiled,
        mixed_precision=precision,
        log_with=config.trackers or None,
        project_dir=config.output,
    )
    # FSDP and DeepSpeed were taken out of the environment before: what is left is one process, or DDP.
    if accelerator.distributed_type not in _DONE:
        raise _not_done(accelerator.distributed_type.value)
    return accelerator


def _not_done(asked: str) -> UserError:
    expected = "processes on CPUs or NVIDIA GPUs by DDP, FSDP or DeepSpeed"
    fix = "leave it out; --parallel fsdp shares out a large model, --per-device-train-batch-size cuts a step"
    return UserError.at("accelerate launch", expected=expected, found=asked, fix=fix)


def has_fast_bf16() -> bool:
    """Return whether bf16 products run in hardware (measured on a CPU with AMX: 1.8 to 2 times a step of fp32)."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
