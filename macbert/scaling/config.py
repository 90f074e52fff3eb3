"""What ``macbert scaling fit``, ``predict`` and ``plan`` can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from macbert.config.rules import check_rules


@dataclass(kw_only=True)
class FitConfig:
    """One fit of loss laws, on finished runs, on a grid of runs made for it, or both."""

    output: str
    """Folder for fit.json, the plots and, with a grid, the runs."""

    runs: list[str] = field(default_factory=list)
    """Finished pretraining runs, or folders of them."""

    data: list[str] = field(default_factory=list)
    """Encoded documents to pretrain a grid on (macbert tokenizer encode); default: no grid."""

    sizes: list[str] = field(default_factory=lambda: ["1x64", "2x64", "2x128"])
    """Of the grid: layers x hidden size (a multiple of 64), or preset names."""

    steps: list[int] = field(default_factory=lambda: [100, 200, 400])
    """Of the grid: steps of each size, each a run with a schedule of its own."""

    seeds: int = 1
    """Of the grid: runs of each size and length."""

    grid_config: str | None = None
    """Of the grid: a pretraining recipe (YAML) for everything else; default: the settings of macbert pretrain."""

    metrics: str | None = None
    """Further scores of the same runs (JSON lines of run, metric, value, higher_is_better), searched for scores that
    get worse with size."""

    resamples: int = 200
    """Bootstrap samples of every interval."""

    delta: float = 1e-3
    """Huber's threshold in log loss; beyond it a run counts linearly, not squared (Hoffmann et al. 2022)."""

    seed: int = 0
    """Of the bootstrap."""

    def __post_init__(self) -> None:
        check_rules(
            self,
            [
                ("output", "a folder", bool(self.output)),
                ("runs", "finished runs, or --data for a grid", bool(self.runs or self.data)),
                ("steps", "numbers of at least 1", bool(self.steps) and min(self.steps) >= 1),
                ("sizes", "at least one size", bool(self.sizes)),
                ("seeds", "at least 1", self.seeds >= 1),
                ("resamples", "20 to 10000", 20 <= self.resamples <= 10_000),
                ("delta", "above 0", 0 < self.delta < math.inf),
                ("seed", "at least 0", self.seed >= 0),
            ],
        )


@dataclass(kw_only=True)
class PredictConfig:
    """One prediction before a run, or its check after."""

    prediction: str
    """File of the prediction: written without --run, read with it."""

    fit: str | None = None
    """Folder of macbert scaling fit; needed to predict."""

    size: str | None = None
    """Layers x hidden size or preset of the run to predict."""

    tokens: int | None = None
    """Tokens that it will see."""

    run: str | None = None
    """The finished run that was predicted: compare, and write PREDICTION with ``.checked.json`` beside it."""

    def __post_init__(self) -> None:
        rules = [("prediction", "a file", bool(self.prediction))]
        if self.run is None:
            rules += [
                ("fit", "a folder of macbert scaling fit", self.fit is not None),
                ("size", "a size, such as 4x256", self.size is not None),
                ("tokens", "a number of tokens, at least 1", self.tokens is not None and self.tokens >= 1),
            ]
        check_rules(self, rules)


@dataclass(kw_only=True)
class PlanConfig:
    """One question: which size and how many tokens for so much compute?"""

    fit: str
    """Folder of macbert scaling fit."""

    hours: float
    """Hours of one device (GPU-hours, or CPU-hours)."""

    flops_per_second: float
    """Operations that a device really does a second: its peak times MFU (an H100 at 40 % does 4e14)."""

    sizes: list[str] = field(
        default_factory=lambda: ["2x128", "4x256", "4x512", "8x512", "12x768", "24x1024"],
    )
    """Sizes to choose among."""

    corpus_tokens: int | None = None
    """Tokens of the corpus, to tell how many passes a plan means."""

    def __post_init__(self) -> None:
        check_rules(
            self,
            [
                ("hours", "above 0", 0 < self.hours < math.inf),
                ("flops_per_second", "above 0", 0 < self.flops_per_second < math.inf),
                ("sizes", "at least one size", bool(self.sizes)),
                ("corpus_tokens", "at least 1", self.corpus_tokens is None or self.corpus_tokens >= 1),
            ],
        )
