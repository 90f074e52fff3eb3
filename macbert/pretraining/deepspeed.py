"""DeepSpeed's ZeRO 1 and 2: optimiser state, and with 2 gradients, shared out between processes, as accelerate asks."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Mapping
from typing import Any

import torch
from accelerate.utils import DeepSpeedPlugin

from corpus.errors import MissingExtra, Problem, UserError
from macbert.pretraining.config import PretrainConfig

_ASKED_BY_ACCELERATE = "ACCELERATE_USE_DEEPSPEED"
# How ZeRO sends, not what it computes.
_SENDING = (
    "overlap_comm",
    "contiguous_gradients",
    "reduce_scatter",
    "reduce_bucket_size",
    "allgather_partitions",
    "allgather_bucket_size",
)
_MOMENTS = ("exp_avg", "exp_avg_sq")


def asked_for_zero(config: PretrainConfig) -> dict[str, Any] | None:
    """Return ZeRO's settings if ``accelerate launch`` was told to use DeepSpeed.

    As with FSDP the wish is taken out of the environment and done here: a checkpoint has the same files and names as
    without, learning rate and clipping are the run's, and so is what happens to a gradient that is not finite.

    Raises:
        UserError: with what such a run cannot do, and with settings of DeepSpeed that are the run's own.
        MissingExtra: DeepSpeed is not installed.
    """
    if os.environ.pop(_ASKED_BY_ACCELERATE, "false").lower() != "true":
        return None
    try:
        settings = DeepSpeedPlugin().deepspeed_config
    except ValueError as error:
        fix = "mend accelerate's configuration"
        raise UserError.at("DeepSpeed", expected="settings", found=f"an error ({error})", fix=fix) from None
    zero = settings.pop("zero_optimization")
    problems = [*_unfit(config), *_not_ours(config, settings), *_unknown_zero(zero)]
    if problems:
        raise UserError(*problems)
    if importlib.util.find_spec("deepspeed") is None:
        raise MissingExtra("deepspeed", "deepspeed", "accelerate launch --use_deepspeed")
    return {name: zero[name] for name in ("stage", *_SENDING) if zero.get(name, "auto") != "auto"}


def share_out(
    model: Any, optimizer: torch.optim.Optimizer, zero: Mapping[str, Any], config: PretrainConfig, precision: str
) -> Any:
    """Return DeepSpeed's engine around a model: every process keeps the weights and a part of the optimiser.

    Args:
        model: with initial weights.
        optimizer: AdamW over its parameters; it is emptied, the engine's own copy counts from here.
        zero: what :func:`asked_for_zero` returned.
        config: the run.
        precision: with ``bf16`` products are made in bf16; weights, gradients and their sums stay float32.
    """
    import deepspeed

    settings = {
        "train_micro_batch_size_per_gpu": config.per_device_train_batch_size,
        # The loop says which micro-batch is a step's last; their number may change within a run.
        "gradient_accumulation_steps": 1,
        "gradient_clipping": config.max_grad_norm,
        "zero_optimization": dict(zero),
        "steps_per_print": math.inf,
    }
    if precision == "bf16":
        # No module is "safe" for DeepSpeed's other habit, to send its gradients in bf16 too.
        safe: list[str] = []
        settings["torch_autocast"] = {"enabled": True, "dtype": "bfloat16", "lower_precision_safe_modules": safe}
    engine = deepspeed.initialize(model=model, optimizer=optimizer, config=settings)[0]
    base = engine.optimizer.optimizer
    for part in _parts(engine):
        # What AdamW makes at its first step, made now, so that it can be saved and set at any time.
        step = torch.zeros((), dtype=torch.float32, device=part.device)
        base.state[part] = {"step": step, **{name: torch.zeros_like(part) for name in _MOMENTS}}
    engine.optimizer._lazy_init_hp_params_optimizer_state()
    return engine


def zero_step(engine: Any) -> float:
    """Clip the gradients, move the weights, and return the gradients' norm; where it is not finite nothing moves."""
    engine.step()
    return math.inf if engine.optimizer.overflow else float(engine.get_global_grad_norm())


def zero_tensors(engine: Any) -> dict[str, torch.Tensor]:
    """Return the whole optimiser state on the CPU as ``<parameter>/<name>``; every process must ask."""
    from deepspeed.utils import safe_get_full_optimizer_state

    step = engine.optimizer.optimizer.state[_parts(engine)[0]]["step"].cpu()
    tensors = {}
    for name, parameter in engine.module.named_parameters():
        tensors[f"{name}/step"] = step.clone()
        for key in _MOMENTS:
            tensors[f"{name}/{key}"] = safe_get_full_optimizer_state(parameter, key).cpu()
    return tensors


def load_zero_tensors(engine: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what :func:`zero_tensors`, or a run without DeepSpeed, returned, once the module's weights are set."""
    from deepspeed.utils import safe_set_full_optimizer_state

    engine.optimizer.refresh_fp32_params()
    steps = {float(value) for name, value in tensors.items() if name.endswith("/step")}
    assert len(steps) <= 1, steps
    for part in _parts(engine):
        engine.optimizer.optimizer.state[part]["step"].fill_(max(steps, default=0.0))
    for name, parameter in engine.module.named_parameters():
        for key in _MOMENTS:
            # A run whose every step was bad saved no state.
            value = tensors.get(f"{name}/{key}", torch.zeros(parameter.shape))
            safe_set_full_optimizer_state(parameter, value.to(parameter.device), key)


def _parts(engine: Any) -> list[torch.Tensor]:
    """Return this process's parts of the weights, flat, one for each group of parameters."""
    return [part for group in engine.optimizer.optimizer.param_groups for part in group["params"]]


def _unfit(config: PretrainConfig) -> list[Problem]:
    return [
        Problem(setting, "what DeepSpeed can do here", found, "start without DeepSpeed, or change the setting")
        for setting, wrong, found in (
            ("--parallel", config.parallel == "fsdp", "fsdp"),
            ("--deterministic", config.deterministic == "strict", "strict"),
            ("--mixed-precision", config.mixed_precision == "fp16", "fp16"),
            ("--optim", config.optim == "lamb", "lamb"),
            ("--torch-compile", config.torch_compile, "true"),
        )
        if wrong
    ]


def _not_ours(config: PretrainConfig, settings: Mapping[str, Any]) -> list[Problem]:
    """Return what contradicts the run: its own settings rule, and are not silently passed over."""
    ours = {
        "gradient_clipping": config.max_grad_norm,
        "gradient_accumulation_steps": 1,
        "train_batch_size": config.global_batch_size,
        "train_micro_batch_size_per_gpu": config.per_device_train_batch_size,
        "steps_per_print": math.inf,
        "wall_clock_breakdown": False,
    }
    fix = "take it out of DeepSpeed's settings; the run's own settings rule"
    return [
        Problem(f"DeepSpeed's {name}", f"auto or {ours[name]}" if name in ours else "auto or nothing", str(value), fix)
        for name, value in settings.items()
        if value not in ("auto", ours.get(name, "auto"))
        and not (isinstance(value, dict) and value.get("enabled") in ("auto", False))
    ]


def _unknown_zero(zero: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for name, value in zero.items():
        expected, fix = "", ""
        if name == "stage" and value not in (1, 2):
            expected = "1 or 2"
            fix = "use --parallel fsdp without DeepSpeed, which shares out what stage 3 does"
            fix = fix if value else "start without DeepSpeed: stage 0 shares out nothing"
        elif name.startswith("offload_") and (value or {}).get("device") not in (None, "none"):
            expected, fix = "device none", "use more processes, or --parallel fsdp without DeepSpeed"
        elif name not in ("stage", *_SENDING) and not name.startswith(("offload_", "stage3_")):
            expected, fix = "a setting that is known here", "take it out of DeepSpeed's settings"
        if expected:
            problems.append(Problem(f"DeepSpeed's zero_optimization.{name}", expected, str(value), fix))
    return problems
