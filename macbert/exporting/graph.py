"""A torch model as an ONNX graph with free batch and length, and the two beside each other."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from macbert.exporting.session import INPUTS, Session

OPSET = 18
TRACE_LENGTHS = (3, 13, 17)
"""Tokens of the rows that a graph is traced with; a graph holds for any others."""

OUTPUTS = {
    "encoder": ("last_hidden_state",),
    "classify": ("logits",),
    "ner": ("logits",),
    "relation": ("spans", "heads", "tails"),
    "event": ("arguments", "heads", "tails"),
    "mrc": ("start_logits", "end_logits"),
    "correct": ("logits",),
}
"""What a graph gives, by task."""


class Plain(nn.Module):
    """A model whose inputs are three tensors by place and whose outputs are a tuple of tensors."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)

    def forward(
        self, input_ids: torch.Tensor, token_type_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the outputs in the order of their names, float32."""
        output = self.model(input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask)
        # Our heads give `scores`: one tensor, or some. transformers' give fields by name.
        if (scores := getattr(output, "scores", None)) is not None:
            found = scores if isinstance(scores, tuple) else (scores,)
        else:
            found = tuple(getattr(output, name) for name in self.names)
        return tuple(tensor.float() for tensor in found[: len(self.names)])


def length_axes(name: str, dimensions: int) -> tuple[int, ...]:
    """Return the axes of an output that are as long as the rows: (B, C), (B, L), (B, L, D) or (B, H, L, L)."""
    return {2: (1,) if name.endswith("_logits") else (), 3: (1,), 4: (2, 3)}[dimensions]


def write_graph(model: nn.Module, task: str, path: Path, vocab_size: int) -> tuple[str, ...]:
    """Write a model as an ONNX graph and return the names of its outputs."""
    names = OUTPUTS[task]
    rows = probe(vocab_size, seed=0, lengths=TRACE_LENGTHS)
    inputs = tuple(torch.from_numpy(rows[name]) for name in INPUTS)
    axes = {name: {0: "batch", 1: "length"} for name in INPUTS}
    plain = Plain(model, names).eval()
    with torch.inference_mode():
        for name, tensor in zip(names, plain(*inputs), strict=True):
            axes[name] = {0: "batch", **dict.fromkeys(length_axes(name, tensor.ndim), "length")}
    with _quiet():
        # The tracer, not torch.export: the graphs have no branches, and it takes a tenth of the time.
        torch.onnx.export(
            plain,
            inputs,
            str(path),
            input_names=list(INPUTS),
            output_names=list(names),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    return names


def probe(vocab_size: int, *, seed: int, lengths: Sequence[int]) -> dict[str, NDArray[np.int64]]:
    """Return rows of random tokens, (B, L) each, padded to the longest."""
    rng = np.random.default_rng(seed)
    shape = (len(lengths), max(lengths))
    mask = (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int64)
    types = (np.arange(shape[1]) >= np.array(lengths)[:, None] // 2).astype(np.int64) * mask
    return {"input_ids": rng.integers(0, vocab_size, shape) * mask, "token_type_ids": types, "attention_mask": mask}


def largest_difference(model: nn.Module, session: Session, vocab_size: int, max_length: int) -> float:
    """Return the largest difference of any output at a token of a row; infinite where only one is finite.

    Rows of two batches of other sizes than the graph was traced with; what lies on padding is nobody's.
    """
    plain = Plain(model, session.outputs).eval()
    worst = 0.0
    for seed, lengths in enumerate(((2, 9), (max_length, max_length // 2 + 1, 5, 3))):
        inputs = probe(vocab_size, seed=seed + 1, lengths=[min(length, max_length) for length in lengths])
        with torch.inference_mode():
            expected = plain(*(torch.from_numpy(inputs[name]) for name in INPUTS))
        for right, (name, found) in zip(expected, session.run(inputs).items(), strict=True):
            axes = length_axes(name, found.ndim)
            worst = max(worst, _difference(right.numpy(), found, inputs["attention_mask"], axes))
    return worst


def _difference(right: NDArray[Any], found: NDArray[Any], mask_BL: NDArray[np.int64], axes: tuple[int, ...]) -> float:
    alive = np.ones(right.shape, bool)
    for axis in axes:
        shape = [len(mask_BL)] + [1] * (right.ndim - 1)
        shape[axis] = mask_BL.shape[1]
        alive &= mask_BL.astype(bool).reshape(shape)
    finite = np.isfinite(right) & np.isfinite(found)
    if ((right != found) & ~finite & alive).any():
        return float("inf")
    compared = finite & alive
    return float(np.abs(right[compared] - found[compared]).max(initial=0.0))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to programmers off the screen."""
    names = ("torch.onnx", "onnxscript", "onnx_ir")
    levels = [logging.getLogger(name).level for name in names]
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in zip(names, levels, strict=True):
            logging.getLogger(name).setLevel(level)
