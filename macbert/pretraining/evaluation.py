"""Held-out evaluation: always the same rows with the same masks, so that its curve is of the model alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from macbert.pretraining.batches import Control, model_inputs
from macbert.pretraining.stream import Examples

_SUMS = ("mlm_loss", "chosen", "mlm_right", "replaced", "replaced_right", "sop_loss", "labelled", "sop_right")


@torch.no_grad()
def evaluate(
    model: nn.Module,
    corpora: Mapping[str, Examples],
    *,
    rows: int,
    batch_size: int,
    control: Control,
    device: torch.device,
) -> dict[str, float | None]:
    """Score a model on held-out corpora, the rows shared between the processes.

    Returns, over all corpora and, if there are several, for each (``eval_<corpus>/<name>``):
        mlm_loss: mean cross entropy at chosen positions, in nats; ``perplexity`` is its exponential.
        mlm_accuracy: share of chosen positions at which the original token has the highest score.
        replaced_accuracy: the same where the token was really replaced (kept words are easy).
        sop_loss, sop_accuracy: of sentence order; None where no piece is a pair.
    """
    was_training = model.training
    model.eval()
    total = [0.0] * len(_SUMS)
    results: dict[str, float | None] = {}
    for name, examples in corpora.items():
        sums = [0.0] * len(_SUMS)
        numbers = range(min(rows, examples.num_rows))
        batches = [numbers[start : start + batch_size] for start in range(0, len(numbers), batch_size)]
        for first in range(0, len(batches), control.world_size):
            # A sharded model gathers weights in every forward pass, so all processes make the same number of passes;
            # where batches run out the first one stands in and does not count.
            mine = first + control.rank
            numbers_of_batch = batches[mine if mine < len(batches) else 0]
            batch = {key: torch.from_numpy(value) for key, value in examples.batch(0, numbers_of_batch).items()}
            scores = _score(model, model_inputs(batch, device))
            if mine < len(batches):
                sums = [a + b for a, b in zip(sums, scores, strict=True)]
        sums = control.sum(sums)
        total = [a + b for a, b in zip(total, sums, strict=True)]
        if len(corpora) > 1:
            results |= {f"eval_{name}/{key}": value for key, value in _means(sums).items()}
    model.train(was_training)
    return {f"eval_{key}": value for key, value in _means(total).items()} | results


def _score(model: nn.Module, batch: dict[str, torch.Tensor]) -> list[float]:
    out: Any = model(**batch)
    labels, sop_labels = batch["masked_labels"], batch["sop_labels"]
    chosen, labelled = labels != -100, sop_labels != -100
    right = (out.masked_logits.argmax(-1) == labels) & chosen
    replaced = chosen & (torch.gather(batch["input_ids"], 1, batch["masked_positions"]) != labels)
    sop_right = (out.sop_logits.argmax(-1) == sop_labels) & labelled
    # One transfer for all figures of the batch.
    values = [out.mlm_loss_sum, chosen.sum(), right.sum(), replaced.sum(), (right & replaced).sum()]
    values += [out.sop_loss_sum, labelled.sum(), sop_right.sum()]
    return torch.stack([value.double() for value in values]).tolist()


def _means(sums: list[float]) -> dict[str, float | None]:
    of = dict(zip(_SUMS, sums, strict=True))

    def share(part: str, whole: str) -> float | None:
        return of[part] / of[whole] if of[whole] else None

    loss = share("mlm_loss", "chosen")
    return {
        "mlm_loss": loss,
        "perplexity": None if loss is None else math.exp(min(loss, 700.0)),
        "mlm_accuracy": share("mlm_right", "chosen"),
        "replaced_accuracy": share("replaced_right", "replaced"),
        "sop_loss": share("sop_loss", "labelled"),
        "sop_accuracy": share("sop_right", "labelled"),
    }
