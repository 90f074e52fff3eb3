"""From the stream to the model: the rows of a step, cut into micro-batches, with the step's counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset

from macbert.pretraining.plan import StepPlan, StepShape
from macbert.pretraining.stream import ExampleStream

MODEL_INPUTS = (
    "input_ids",
    "token_type_ids",
    "position_ids",
    "piece_ids",
    "masked_positions",
    "masked_labels",
    "cls_positions",
    "sop_labels",
)


class StepRows(Dataset[dict[str, torch.Tensor]]):
    """Item s is this process's share of the rows of step s."""

    def __init__(self, streams: Mapping[bool, ExampleStream], plan: StepPlan, rank: int, world_size: int) -> None:
        """Take the streams of full (False) and of short rows (True), and how many of which a step has."""
        self.streams = streams
        self.plan = plan
        self.rank = rank
        self.world_size = world_size

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        shape = self.plan.shape(step)
        batch = self.streams[shape.short].batch(share_of(shape, self.rank, self.world_size))
        return {name: torch.from_numpy(batch[name]) for name in (*MODEL_INPUTS, "sources")}


def step_loader(rows: StepRows, first_step: int, last_step: int, num_workers: int) -> Iterator[dict[str, torch.Tensor]]:
    """Yield the rows of steps ``first_step`` to ``last_step - 1``: a seek, whatever came before."""
    loader: DataLoader[dict[str, torch.Tensor]] = DataLoader(
        rows,
        batch_size=None,
        sampler=range(first_step, last_step),
        num_workers=num_workers,
        prefetch_factor=4 if num_workers else None,
        pin_memory=torch.cuda.is_available(),
    )
    return iter(loader)


def share_of(shape: StepShape, rank: int, world_size: int) -> range:
    """Return the stream numbers that one process trains on at a step: its even share of the step's rows.

    >>> share_of(StepShape(short=False, first=24, rows=8), rank=1, world_size=2)
    range(28, 32)
    """
    rows = shape.rows // world_size
    first = shape.first + rank * rows
    return range(first, first + rows)


def micro_batches(rows: dict[str, torch.Tensor], size: int) -> list[dict[str, torch.Tensor]]:
    """Cut a step's rows into batches of at most ``size`` rows, in order."""
    split = {name: value.split(size) for name, value in rows.items()}
    return [dict(zip(split, parts, strict=True)) for parts in zip(*split.values(), strict=True)]


def model_inputs(batch: dict[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """Return what the model takes, on its device."""
    return {name: batch[name].to(device, non_blocking=True) for name in MODEL_INPUTS}


class Control:
    """Sums of a few numbers over all processes, on the CPU: the accelerator's queue never waits for them."""

    def __init__(self) -> None:
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world_size = dist.get_world_size() if dist.is_initialized() else 1
        self._group = None
        if self.world_size > 1 and dist.get_backend() != "gloo":
            self._group = dist.new_group(backend="gloo")

    def sum(self, values: Sequence[float]) -> list[float]:
        """Return the element-wise sums (float64) of every process's values."""
        if self.world_size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor, group=self._group)
        return tensor.tolist()
