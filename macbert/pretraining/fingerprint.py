"""What a run must have in common with the checkpoint that it goes on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.errors import Problem, UserError
from corpus.manifest import canonical_json
from macbert.pretraining.config import PretrainConfig

PLAN_FIELDS = (
    "seed",
    "max_length",
    "sentence_prediction",
    "global_batch_size",
    "batch_warmup",
    "batch_warmup_start",
    "length_warmup",
    "length_warmup_start",
    "optim",
    "learning_rate",
    "warmup",
    "schedule",
    "wsd_decay",
    "weight_decay",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "max_grad_norm",
    "max_skipped_in_a_row",
    "dropout",
    "deterministic",
    "strict_slots",
)


def run_fingerprint(config: PretrainConfig, inputs: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return all that decides what a run computes, by name: the inputs' hashes, the masking and the plan of batches."""
    plan = {name: getattr(config, name) for name in PLAN_FIELDS}
    masking = {f"masking.{name}": value for name, value in vars(config.masking).items()}
    return {**inputs, **plan, **masking, **more}


def check_fingerprint(
    where: str, saved: Mapping[str, Any], present: Mapping[str, Any], allowed: Sequence[str] = ()
) -> list[str]:
    """Compare a checkpoint's fingerprint with this run's and return the differences that were allowed.

    Raises:
        UserError: naming every other difference with both values.
    """
    different = [
        name
        for name in sorted({*saved, *present})
        if canonical_json(saved.get(name)) != canonical_json(present.get(name))
    ]
    problems = [
        Problem(
            f"{where}: {name}",
            canonical_json(saved.get(name)),
            canonical_json(present.get(name)),
            f"give the same as before, another --output, or accept it with --allow-change {name}",
        )
        for name in different
        if name not in allowed
    ]
    if problems:
        raise UserError(*problems)
    return different
