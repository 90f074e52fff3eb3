"""Runs as points: weights N, tokens D, operations C, held-out loss L."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from corpus.manifest import read_manifest
from macbert.modeling.presets import PRESETS, read_shape
from macbert.pretraining.journal import read_journal


@dataclass(frozen=True)
class Size:
    """The shape of an encoder."""

    layers: int
    hidden: int

    @property
    def weights(self) -> int:
        """N: weights of the encoder's matrix products, embeddings left out (Kaplan et al. 2020, section 2.1).

        >>> Size(12, 768).weights
        84934656
        """
        return self.layers * 12 * self.hidden**2

    def flops_per_token(self, length: float, vocab_size: int, chosen: float = 0.15) -> float:
        """Return the operations of one token, forward and backward: 6 N + 12 layers h s + p (6 h V + 6 h h).

        >>> round(Size(12, 768).flops_per_token(512, 21128) / 1e6)
        581
        """
        attention = 12 * self.layers * self.hidden * length
        head = chosen * (6 * self.hidden * vocab_size + 6 * self.hidden**2)
        return 6 * self.weights + attention + head

    def __str__(self) -> str:
        return f"{self.layers}x{self.hidden}"


@dataclass(frozen=True)
class Point:
    """One finished run."""

    run: str
    size: Size
    tokens: int
    loss: float
    """Held-out masked-token loss in nats."""
    length: int
    """Tokens of a row."""
    vocab_size: int
    chosen: float
    """Share of tokens that are predicted."""
    metrics: dict[str, float] = field(default_factory=dict)
    """All held-out figures."""

    @property
    def flops(self) -> float:
        """C: operations of the whole run."""
        return self.flops_of(self.size, self.tokens)

    def flops_of(self, size: Size, tokens: int) -> float:
        """Return the operations of another size and number of tokens on the same rows and vocabulary."""
        return size.flops_per_token(self.length, self.vocab_size, self.chosen) * tokens


def read_size(text: str) -> Size:
    """Return the size that a name means.

    Raises:
        UserError: neither a preset nor LAYERSxHIDDEN with a hidden size that 64-wide heads divide.

    >>> read_size("mini"), read_size("2x64")
    (Size(layers=4, hidden=256), Size(layers=2, hidden=64))
    """
    shape = read_shape(text)
    if shape is None:
        expected = f"a preset ({', '.join(PRESETS)}) or LAYERSxHIDDEN, hidden a multiple of 64"
        raise UserError.at("--size", expected=expected, found=text, fix="such as 4x256")
    return Size(*shape)


def find_runs(paths: Iterable[str]) -> list[Path]:
    """Return the finished runs that paths name or hold, in order.

    Raises:
        UserError: a path with none.
    """
    found: list[Path] = []
    problems = []
    for path in map(Path, paths):
        here = [path] if (path / "run.json").is_file() else sorted(p.parent for p in path.glob("*/run.json"))
        finished = [folder for folder in here if (folder / "manifest.json").is_file()]
        if not finished:
            found_instead = "no run" if not here else "runs that did not end"
            problems.append(Problem(str(path), "a finished pretraining run", found_instead, "end it, or leave it out"))
        found += finished
    if problems:
        raise UserError(*problems)
    return found


def read_point(folder: Path) -> Point:
    """Return a finished run as a point.

    Raises:
        UserError: not a run, or one without a held-out evaluation.
    """
    manifest = read_manifest(folder, "run")
    evaluation = {k: v for k, v in (manifest.get("evaluation") or {}).items() if v is not None}
    if "eval_mlm_loss" not in evaluation:
        fix = "encode with --heldout-fraction, or pretrain with --eval-data"
        raise UserError.at(folder, expected="a held-out loss", found="none", fix=fix)
    tokens = max((entry.get("tokens", 0) for entry in read_journal(folder)), default=0)
    model: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    size = Size(model["num_hidden_layers"], model["hidden_size"])
    config = manifest["config"]
    metrics = {name.removeprefix("eval_"): float(value) for name, value in evaluation.items() if "/" not in name}
    return Point(
        run=str(folder),
        size=size,
        tokens=tokens,
        loss=float(evaluation["eval_mlm_loss"]),
        length=config["max_length"],
        vocab_size=model["vocab_size"],
        chosen=config["masking"]["mlm_probability"],
        metrics=metrics,
    )
