"""BERT beside the LLaMA recipe: held-out loss on the same rows with the same masks, as many weights, each at two rates.

A table of docs/transformer.md; ``python scripts/reproduce/transformer.py --only encoders --tokens DIR`` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from macbert.pretraining import PretrainConfig, pretrain


def compare_encoders(
    tokens: Sequence[str],
    size: str = "2x64",
    steps: int = 600,
    seeds: int = 2,
    rates: Sequence[float] = (1e-3, 2e-3),
    batch: int = 4,
    length: int = 128,
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the head and the rows of the table: both kinds at each rate, mean and range over the seeds."""
    rows = []
    for encoder in ("bert", "eurobert"):
        for rate in rates:
            found = []
            for seed in range(seeds):
                with TemporaryDirectory() as folder:
                    config = PretrainConfig(
                        data=[*tokens],
                        output=f"{folder}/run",
                        model=size,
                        encoder=encoder,
                        max_steps=steps,
                        max_length=length,
                        global_batch_size=batch,
                        per_device_train_batch_size=batch,
                        learning_rate=rate,
                        eval_rows=512,
                        seed=seed,
                        init_seed=seed,
                        trackers=[],
                    )
                    found.append(pretrain(config))
            losses = [float(result.evaluation["eval_mlm_loss"]) for result in found]
            right = [float(result.evaluation["eval_mlm_accuracy"]) for result in found]
            cells = (float(np.mean(losses)), min(losses), max(losses), float(np.mean(right)))
            rows.append((encoder, f"{rate:g}", found[0].parameters, found[0].tokens, *cells))
    head = ("encoder", "rate", "weights", "tokens", "held-out loss", "lowest seed", "highest seed", "restored")
    return head, rows
