"""What ``macbert pretrain --dry-run`` tells."""

from __future__ import annotations

from pathlib import Path

from accelerate import Accelerator

from corpus.dry_run import About, Plan, sizes
from macbert.modeling.loading import PretrainingModel
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.cost import seconds_for, training_memory, weight_bytes
from macbert.pretraining.flops import StepFlops


def run_plan(
    config: PretrainConfig, accelerator: Accelerator, model: PretrainingModel, total_steps: int, done: int
) -> Plan:
    """Return the plan of a run, of which ``done`` steps are in a checkpoint."""
    rows = (total_steps - done) * config.global_batch_size
    tokens = rows * config.max_length
    chosen = config.masking.mlm_probability
    flops = StepFlops(model).of(tokens=tokens, pairs=tokens * config.max_length, chosen=chosen * tokens, pieces=rows)
    seconds = seconds_for(flops, accelerator.device, accelerator.mixed_precision, accelerator.num_processes)
    at_once = min(config.per_device_train_batch_size, config.global_batch_size) * config.max_length
    memory = training_memory(model, at_once, int(chosen * at_once) * int(model.config.vocab_size))
    if config.save_total_limit is None:
        kept = min(10, total_steps) if config.save_steps is None else total_steps // config.save_steps + 1
    else:
        # The new one is whole before the oldest goes.
        kept = config.save_total_limit + 1
    if config.save_keep_every:
        kept += total_steps // config.save_keep_every
    weights = weight_bytes(model)
    steps = f"{total_steps - done:,} of {total_steps:,} steps of {config.global_batch_size} rows"
    return Plan(
        sizes(
            [
                *(folder for folder, _ in config.corpora()),
                config.model if Path(config.model).exists() else None,
                config.similar,
                config.eval_data,
            ]
        ),
        [config.output],
        About(seconds.value, f"{steps}, {seconds.basis}; without evaluation"),
        About(None if memory.value is None else memory.value * accelerator.num_processes, memory.basis),
        About((3 * kept + 1) * weights, f"{kept} checkpoints of three times the weights, and the weights at the end"),
    )
