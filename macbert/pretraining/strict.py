"""Strict determinism: the same bits of weights and optimiser for any number of processes.

A step's rows are always cut into the same slots. Each slot's gradient is made by one process with the same shapes and
one thread, and slots are added along one fixed binary tree. A process that owns 2, 4, ... neighbouring slots adds up a
whole subtree by itself; the subtrees' sums are gathered and every process adds the rest of the same tree.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import torch
import torch.distributed as dist
from torch import nn

from corpus.errors import UserError
from macbert.pretraining.batches import Control, micro_batches, model_inputs
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.stream import keyed_seed


def check_slots(config: PretrainConfig, world_size: int) -> None:
    """Refuse a number of processes that does not divide the slots into whole subtrees.

    Raises:
        UserError: the number of processes is no power of two, or more than the slots.
    """
    if config.strict_slots % world_size:
        fix = "start as many processes as divide --strict-slots (a power of two)"
        found = f"{world_size} processes for {config.strict_slots} slots"
        raise UserError.at("--deterministic strict", expected="slots that share out evenly", found=found, fix=fix)


@contextlib.contextmanager
def strict_arithmetic() -> Iterator[None]:
    """Let no sum depend on the number of threads or on the order in which they finish."""
    threads = torch.get_num_threads()
    algorithms = torch.are_deterministic_algorithms_enabled()
    # cuBLAS reads this when it is first used; without it a matrix product may differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms)
        torch.set_num_threads(threads)


def accumulate_slots(
    model: nn.Module,
    rows: dict[str, torch.Tensor],
    *,
    config: PretrainConfig,
    step: int,
    totals: tuple[float, float],
    control: Control,
    device: torch.device,
) -> list[float]:
    """Set every gradient to the step's, summed over slots along the fixed tree.

    Args:
        model: without wrappers; all processes hold the same weights.
        rows: this process's rows of the step.
        config: the run.
        step: the step, for dropout.
        totals: chosen tokens and labelled pieces of the global batch.
        control: the processes.
        device: the model's.

    Returns:
        The MLM and SOP losses summed over the whole global batch; the same on every process.
    """
    slots_here = config.strict_slots // control.world_size
    first = control.rank * slots_here
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    losses = [0.0] * (2 * config.strict_slots)
    sums: list[torch.Tensor] = []
    for index, batch in enumerate(micro_batches(rows, len(rows["input_ids"]) // slots_here)):
        slot = first + index
        torch.manual_seed(keyed_seed(config.seed, step, slot))
        model.zero_grad(set_to_none=True)
        out = model(**model_inputs(batch, device), return_logits=False)
        (out.mlm_loss_sum / totals[0] + out.sop_loss_sum / totals[1]).backward()
        losses[2 * slot : 2 * slot + 2] = [out.mlm_loss_sum.item(), out.sop_loss_sum.item()]
        sums.append(torch.cat([_gradient(parameter) for parameter in parameters]))
        # Two finished subtrees of the same size are added at once: at most log2(slots) + 1 sums are held.
        done = index + 1
        while done % 2 == 0:
            right = sums.pop()
            sums[-1] += right
            done //= 2
    total = tree_sum(_gathered(sums[0], control))
    for parameter, gradient in zip(parameters, total.split([p.numel() for p in parameters]), strict=True):
        parameter.grad = gradient.view_as(parameter)
    # Each place is filled by one process and zero elsewhere, so that the sum over processes is exact.
    of_slots = control.sum(losses)
    return [sum(of_slots[0::2]), sum(of_slots[1::2])]


def tree_sum(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the sum of 2^k tensors, neighbours first: ((a + b) + (c + d)) ...

    >>> tree_sum([torch.tensor(1.0), torch.tensor(2.0), torch.tensor(3.0), torch.tensor(4.0)])
    tensor(10.)
    """
    parts = list(parts)
    assert len(parts) & (len(parts) - 1) == 0, len(parts)
    while len(parts) > 1:
        parts = [left + right for left, right in zip(parts[0::2], parts[1::2], strict=True)]
    return parts[0]


def _gradient(parameter: torch.Tensor) -> torch.Tensor:
    if parameter.grad is None:
        return torch.zeros(parameter.numel(), device=parameter.device)
    return parameter.grad.detach().flatten()


def _gathered(part: torch.Tensor, control: Control) -> list[torch.Tensor]:
    if control.world_size == 1:
        return [part]
    parts = [torch.empty_like(part) for _ in range(control.world_size)]
    dist.all_gather(parts, part)
    return parts
