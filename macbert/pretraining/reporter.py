"""What a run says about itself: log lines, trackers, progress, held-out scores and the curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from macbert.pretraining.evaluation import evaluate
from macbert.pretraining.flops import peak_flops
from macbert.pretraining.inputs import Inputs
from macbert.pretraining.journal import Journal, read_journal
from macbert.pretraining.plot import plot_loss
from macbert.pretraining.training import Training

Progress = Callable[[str, int, int | None], None]

CLOCK_FIELDS = ("tokens_per_second", "mfu", "data_stall", "eta_seconds")
"""What of a log line depends on the machine and its load; all else is the same for every run."""


class Reporter:
    """Adds up time and tokens, and writes what the main process reports."""

    def __init__(self, training: Training, inputs: Inputs, folder: Path, progress: Progress | None) -> None:
        self.training = training
        self.inputs = inputs
        self.folder = folder
        self.is_main = training.accelerator.is_main_process
        self.progress = progress if self.is_main else None
        self.loss: float | None = None
        self.evaluation: dict[str, float | None] = {}
        self.seconds = self.waited = 0.0
        self.tokens = 0
        self._window = _Window()
        self._peak = _peak_of_run(training) if self.is_main else None
        self._journal: Journal | None = None
        if self.is_main:
            self._journal = Journal(folder, keep_until=training.counters.step)
            for entry in read_journal(folder):
                self.loss = entry.get("loss", self.loss)
                if "eval_mlm_loss" in entry:
                    self.evaluation = {key: value for key, value in entry.items() if key.startswith("eval_")}
        if training.config.trackers:
            training.accelerator.init_trackers("tensorboard")

    def count(self, seconds: float, waited: float, tokens: int) -> None:
        """Add a step's wall time, the part of it spent waiting for rows, and its tokens."""
        self.seconds += seconds
        self.waited += waited
        self.tokens += tokens
        self._window.add(seconds, waited, tokens, self.training.step_flops)
        if self.progress:
            self.progress("pretrain", self.training.counters.step, self.training.total_steps)

    def go_back(self) -> None:
        """Drop the lines of the steps that will be trained again and note the roll-back."""
        counters = self.training.counters
        if self._journal:
            self._journal.close()
            self._journal = Journal(self.folder, keep_until=counters.step)
            self._journal.write({"step": counters.step, "rollbacks": counters.rollbacks, "skipped": counters.skipped})

    def log(self) -> None:
        """Write the means since the last line."""
        step = self.training.counters.step
        means = self.training.window()
        self.loss = means["loss"] if means["loss"] is not None else self.loss
        window, self._window = self._window, _Window()
        entry = {
            **means,
            "learning_rate": self.training.learning_rate(step - 1),
            "rows_per_step": self.training.plan.rows(step - 1 + self.training.counters.data_offset),
            "tokens": self.training.counters.tokens,
            "skipped_steps": len(self.training.counters.skipped),
            **self._of_sources(),
            **window.speeds(self._peak, self.training.total_steps - step),
        }
        self._write(entry)

    def _of_sources(self) -> dict[str, float]:
        """Return tokens and epochs of each corpus, where there are several."""
        counters, corpora = self.training.counters, self.inputs.streams[False].corpora
        if len(corpora) == 1:
            return {}
        figures: dict[str, float] = {}
        for index, name in enumerate(self.inputs.names):
            figures[f"tokens_{name}"] = counters.source_tokens[index]
            # Short rows hold less, so with a length warm-up this is a little too high.
            figures[f"epochs_{name}"] = counters.source_rows[index] / corpora[index].num_rows
        return figures

    def evaluate(self) -> None:
        """Score the held-out rows and write the figures."""
        if not self.inputs.held_out:
            return
        config = self.training.config
        self.evaluation = evaluate(
            self.training.plain_model,
            self.inputs.held_out,
            rows=config.eval_rows,
            batch_size=config.per_device_eval_batch_size,
            control=self.training.control,
            device=self.training.accelerator.device,
        )
        self._write(self.evaluation)

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Close log and trackers, and draw the curve unless something went wrong."""
        if self._journal:
            self._journal.close()
        for tracker in self.training.accelerator.trackers:
            tracker.finish()
        if self.is_main and error is None:
            plot_loss(self.folder)

    def _write(self, values: dict[str, Any]) -> None:
        step = self.training.counters.step
        if self._journal:
            self._journal.write({"step": step, **values})
        if self.training.config.trackers:
            numbers = {name: value for name, value in values.items() if value is not None}
            self.training.accelerator.log(numbers, step=step)


@dataclass
class _Window:
    """What was done since the last log line, and how long it took."""

    seconds: float = 0.0
    waited: float = 0.0
    tokens: int = 0
    flops: float = 0.0
    steps: int = 0

    def add(self, seconds: float, waited: float, tokens: int, flops: float) -> None:
        """Add a step."""
        self.seconds += seconds
        self.waited += waited
        self.tokens += tokens
        self.flops += flops
        self.steps += 1

    def speeds(self, peak: float | None, steps_left: int) -> dict[str, float | None]:
        """Return what only the clock knows; ``CLOCK_FIELDS`` are its names."""
        if not self.seconds:
            return dict.fromkeys(CLOCK_FIELDS)
        return {
            "tokens_per_second": self.tokens / self.seconds,
            "mfu": self.flops / self.seconds / peak if peak else None,
            "data_stall": self.waited / self.seconds,
            "eta_seconds": self.seconds / self.steps * steps_left,
        }


def _peak_of_run(training: Training) -> float | None:
    """Return the operations a second that all processes can do at most."""
    peak = peak_flops(training.accelerator.device, training.accelerator.mixed_precision)
    return peak * training.control.world_size if peak else None
