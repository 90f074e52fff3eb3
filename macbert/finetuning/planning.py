"""What ``macbert finetune --dry-run`` and ``macbert evaluate --dry-run`` tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from corpus.dry_run import About, Plan, clocked, resident_bytes, sizes
from macbert.annotations import Example
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.tasks.base import Feature, Task
from macbert.pretraining.cost import encoder_flops, seconds_for, training_memory, weight_bytes

SAMPLE_TEXTS = 16


def training_plan(
    config: FinetuneConfig, task: Task, features: Sequence[Feature], dev: Sequence[Example], steps: int
) -> Plan:
    """Return the plan of ``steps`` steps a seed; the model is loaded, which also checks its weights."""
    model = task.build_model(config.model, init=config.init, seed=config.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lengths = [len(feature["input_ids"]) for feature in features]
    rows = steps * config.per_device_train_batch_size * config.gradient_accumulation_steps
    mean = sum(lengths) / max(1, len(lengths))
    scorings = steps / config.eval_steps if config.eval_steps else rows / max(1, len(features))
    # Reading dev is the forward third of a step on it.
    flops = encoder_flops(model, rows + scorings * len(dev) / 3, mean)
    seconds = seconds_for(flops * config.seeds, device, "bf16" if config.bf16 else "no")
    at_once = config.per_device_train_batch_size * max(lengths, default=config.max_length)
    weights = weight_bytes(model)
    models = 1 if config.seeds == 1 else config.seeds + 1
    return Plan(
        sizes([config.train, config.dev, config.model, config.confusion]),
        [config.output],
        About(
            seconds.value,
            f"{config.seeds} x {steps:,} steps on {len(features):,} windows of {mean:.0f} tokens, {seconds.basis}",
        ),
        training_memory(model, at_once, at_once * max(1, len(task.labels))),
        About((models + 2) * weights, f"{models + 2} times the weights: the result and two on the way to it"),
    )


def reading_plan(
    read: Callable[[list[Example]], object],
    examples: Sequence[Example],
    *,
    reads: Sequence[str | None],
    writes: Sequence[str | None],
) -> Plan:
    """Return the plan of reading texts with a model, timed on some from all over the data.

    Args:
        read: reads texts with the model.
        examples: all texts.
        reads: paths.
        writes: paths.
    """
    some = list(examples[:: max(1, len(examples) // SAMPLE_TEXTS)])[:SAMPLE_TEXTS]

    def characters(texts: Sequence[Example]) -> int:
        return sum(len(text.text) + len(text.text_pair or "") + len(text.question or "") for text in texts)

    read(some[:1])  # what is loaded once
    share = characters(some) / max(1, characters(examples))
    return Plan(
        sizes(reads),
        [path for path in writes if path is not None],
        About(clocked(lambda: read(some)) / max(share, 1e-9), f"{len(some)} of {len(examples):,} texts timed"),
        About(resident_bytes(), "this process with the model"),
        About(4 * characters(examples) if any(writes) else 0, "the texts again, 4 bytes a character"),
    )
