"""A run on made-up rows: the interface of the examples floor without its data, for tests of the loop alone.

As a script it runs ``pretrain`` with the configuration given as JSON, in one process or under torchrun.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

VOCAB = 120
LENGTH = 24


class FakeExamples:
    """Rows of one or two pieces whose tokens follow each other in a pattern that a small encoder can learn."""

    def __init__(self, num_rows: int = 50, seed: int = 0) -> None:
        self.num_rows = num_rows
        self.seed = seed

    def batch(self, epoch: int, numbers: Sequence[int]) -> dict[str, np.ndarray]:
        rows = [self._row(epoch, number) for number in numbers]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def _row(self, epoch: int, number: int) -> dict[str, np.ndarray]:
        draw = np.random.Generator(np.random.Philox(key=[self.seed, epoch * 100_003 + number]))
        used = int(draw.integers(18, LENGTH + 1))
        split = int(draw.integers(8, 11))
        piece_ids = np.zeros(LENGTH, np.int64)
        piece_ids[:split], piece_ids[split:used] = 1, 2
        start = draw.integers(5, VOCAB)
        original = (start + 3 * np.arange(LENGTH)) % (VOCAB - 5) + 5
        original[piece_ids == 0] = 0
        input_ids = original.copy()
        chosen = np.sort(draw.choice(np.arange(1, used), 3, replace=False))
        input_ids[chosen] = draw.integers(5, VOCAB, 3)
        position_ids = np.arange(LENGTH)
        position_ids[split:] -= split
        return {
            "input_ids": input_ids,
            "token_type_ids": (position_ids > 4).astype(np.int64),
            "position_ids": position_ids,
            "piece_ids": piece_ids,
            "labels": np.where(np.isin(np.arange(LENGTH), chosen), original, -100),
            "masked_positions": np.append(chosen, 0),
            "masked_labels": np.append(original[chosen], -100),
            "cls_positions": np.array([0, split, 0]),
            "sop_labels": np.array([draw.integers(2), -100 if draw.random() < 0.3 else draw.integers(2), -100]),
        }


class ShortExamples(FakeExamples):
    """The first half of such rows, one piece of eight to ten tokens and what of the second fits."""

    def _row(self, epoch: int, number: int) -> dict[str, np.ndarray]:
        row = super()._row(epoch + 50, number)
        short = {name: value[: LENGTH // 2] if len(value) == LENGTH else value for name, value in row.items()}
        outside = short["masked_positions"] >= LENGTH // 2
        short["masked_labels"] = np.where(outside, -100, short["masked_labels"])
        short["masked_positions"] = np.where(outside, 0, short["masked_positions"])
        return short


class FakeTokenizer:
    """A vocabulary that can be written."""

    vocab_size = VOCAB
    pad_id, cls_id, sep_id, mask_id = 0, 2, 3, 4

    def save_pretrained(self, folder: str | Path) -> None:
        Path(folder, "vocab.txt").write_text("\n".join(map(str, range(VOCAB))), encoding="utf-8")


def fake_inputs(config: Any, *, verify: bool = True) -> Any:
    """Return what ``open_inputs`` would: one corpus for each of ``config.data``, named by its number of rows."""
    from macbert.pretraining.inputs import Inputs
    from macbert.pretraining.stream import ExampleStream

    pairs = config.corpora()
    corpora = [FakeExamples(int(name), config.seed) for name, _ in pairs]
    weights = None if pairs[0][1] is None else [weight for _, weight in pairs]
    return Inputs(
        tokenizer=FakeTokenizer(),
        streams={
            False: ExampleStream(corpora, weights, config.seed),
            True: ExampleStream([ShortExamples(c.num_rows, c.seed) for c in corpora], weights, config.seed),
        },
        names=[name for name, _ in pairs],
        held_out={name: FakeExamples(12, seed=99 + index) for index, (name, _) in enumerate(pairs)},
        fingerprint={"data": config.data, "tokenizer": "fake", "similar": None},
    )


def settings(output: Path, **changes: Any) -> dict[str, Any]:
    """Return the settings of a run of a second."""
    return {
        "data": ["50"],
        "output": str(output),
        "model": "tiny",
        "max_length": LENGTH,
        "max_steps": 12,
        "global_batch_size": 8,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-3,
        "mixed_precision": "no",
        "save_steps": 4,
        "logging_steps": 3,
        "save_total_limit": None,
        "trackers": [],
        **changes,
    }


def run(*, bad_steps: Sequence[int] = (), **values: Any) -> Any:
    """Pretrain on made-up rows; the loss of ``bad_steps``, counted from 0, is NaN."""
    import macbert.pretraining.loop as loop
    from macbert.pretraining import PretrainConfig
    from macbert.pretraining.training import Training

    loop.open_inputs = fake_inputs
    real = Training._backward

    def backward(self: Training, rows: Any, step: int, totals: tuple[float, float]) -> list[float]:
        bad = step + self.counters.data_offset in bad_steps
        return real(self, rows, step, (math.nan, math.nan) if bad else totals)

    Training._backward = backward
    return loop.pretrain(PretrainConfig(**values))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    result = json.dumps(dataclasses.asdict(run(**json.loads(sys.argv[1]))))
    # torchrun joins the processes' outputs, in pieces: only one of them may speak.
    if os.environ.get("RANK", "0") == "0":
        print(result)
