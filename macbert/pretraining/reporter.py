"""What a run says about itself: log lines, trackers, progress, held-out scores and the curve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from macbert.pretraining.evaluation import evaluate
from macbert.pretraining.inputs import Inputs
from macbert.pretraining.journal import Journal, read_journal
from macbert.pretraining.plot import plot_loss
from macbert.pretraining.training import Training

Progress = Callable[[str, int, int | None], None]


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
        self._window_seconds = 0.0
        self._window_tokens = 0
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
        self._window_seconds += seconds
        self._window_tokens += tokens
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
        speed = self._window_tokens / self._window_seconds if self._window_seconds else None
        self._window_seconds, self._window_tokens = 0.0, 0
        entry = {
            **means,
            "learning_rate": self.training.learning_rate(step - 1),
            "tokens": self.training.counters.tokens,
            "tokens_per_second": speed,
            "skipped_steps": len(self.training.counters.skipped),
        }
        self._write(entry)

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
