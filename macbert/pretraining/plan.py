"""How many rows a step has and how long they are: pure functions of the step, so that resuming is a seek."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.errors import Problem, UserError
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.schedule import warmup_steps


@dataclass(frozen=True)
class StepShape:
    """The rows of one step."""

    short: bool
    """Whether they are rows of the length warm-up."""

    first: int
    """Number of the step's first row in its stream (short and full rows are two streams)."""

    rows: int
    """Rows, over all processes."""


class StepPlan:
    """Batch warm-up doubles the rows of a step in stages of equal steps; length warm-up begins with short rows.

    While rows are short a step has as many more of them as they are shorter, so that a step's tokens stay the same.

    Args:
        config: the run.
        total_steps: of which a warm-up below 1 is a share.

    >>> config = PretrainConfig(data=["d"], output="o", global_batch_size=64, batch_warmup=8, batch_warmup_start=16)
    >>> plan = StepPlan(config, 100)
    >>> [plan.shape(step).rows for step in (0, 3, 4, 7, 8, 99)]
    [16, 16, 32, 32, 64, 64]
    >>> plan.shape(8).first
    192
    """

    def __init__(self, config: PretrainConfig, total_steps: int) -> None:
        self.full_rows = config.global_batch_size
        self.growth = config.max_length // config.length_warmup_start if config.length_warmup else 1
        self.short_steps = warmup_steps(config.length_warmup, total_steps)
        self.stages: list[tuple[int, int]] = []
        """(first step, rows in full length) of each stage before the last."""
        grow_steps, rows = warmup_steps(config.batch_warmup, total_steps), config.batch_warmup_start
        if grow_steps:
            sizes = []
            while rows < self.full_rows:
                sizes.append(rows)
                rows *= 2
            self.stages = [(grow_steps * index // len(sizes), size) for index, size in enumerate(sizes)]
        self.grow_steps = grow_steps if self.stages else 0

    def rows(self, step: int) -> int:
        """Return the rows of a step, over all processes."""
        rows = self.full_rows
        if step < self.grow_steps:
            rows = next(size for first, size in reversed(self.stages) if first <= step)
        return rows * self.growth if step < self.short_steps else rows

    def shape(self, step: int) -> StepShape:
        """Return the shape of a step."""
        short = step < self.short_steps
        began = 0 if short else self.short_steps
        first = self._full_rows_before(step) - self._full_rows_before(began)
        return StepShape(short, first * (self.growth if short else 1), self.rows(step))

    def check(self, world_size: int, slots: int | None) -> None:
        """Refuse a plan whose steps cannot be shared out evenly.

        Raises:
            UserError: a number of rows that processes (or strict mode's slots) do not divide.
        """
        problems = []
        for rows in {size for _, size in self.stages} | {self.full_rows}:
            if rows % world_size:
                fix = "choose numbers of rows that they can share evenly"
                found = f"{rows} for {world_size} processes"
                problems.append(Problem("--global-batch-size", "rows for every process", found, fix))
            elif slots and rows % slots:
                fix = "choose numbers of rows that --strict-slots divides"
                problems.append(Problem("--batch-warmup-start", f"a multiple of {slots} slots", str(rows), fix))
        if problems:
            raise UserError(*problems)

    def _full_rows_before(self, step: int) -> int:
        """Return the rows of steps 0 to ``step - 1`` as if all were of full length."""
        total = max(0, step - self.grow_steps) * self.full_rows
        ends = [first for first, _ in self.stages[1:]] + [self.grow_steps]
        for (first, rows), end in zip(self.stages, ends, strict=bool(self.stages)):
            total += max(0, min(step, end) - first) * rows
        return total
