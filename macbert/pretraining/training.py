"""One training step and the state around it."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from macbert.modeling.loading import PretrainingModel
from macbert.pretraining.batches import Control, micro_batches, model_inputs
from macbert.pretraining.checkpoints import Checkpoint, save_checkpoint
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.deepspeed import load_zero_tensors, share_out, zero_step, zero_tensors
from macbert.pretraining.flops import StepFlops
from macbert.pretraining.optimizer import build_optimizer, load_optimizer_tensors, optimizer_tensors
from macbert.pretraining.plan import StepPlan
from macbert.pretraining.run_folder import save_model
from macbert.pretraining.schedule import learning_rate_factor
from macbert.pretraining.sharding import set_weights, shard, whole, whole_weights
from macbert.pretraining.stream import keyed_seed
from macbert.pretraining.strict import accumulate_slots
from tokenizer import ChineseTokenizer

logger = logging.getLogger(__name__)


@dataclass
class Counters:
    """What a run adds up; part of every checkpoint."""

    step: int = 0
    """Steps done."""

    tokens: int = 0
    """Real tokens seen."""

    source_tokens: list[int] = field(default_factory=list)
    """The same for each corpus."""

    source_rows: list[int] = field(default_factory=list)
    """Rows seen of each corpus."""

    data_offset: int = 0
    """Steps' worth of rows that roll-backs passed over: step s trains on the rows of step s + data_offset."""

    rollbacks: int = 0
    """Times the run went back to a checkpoint."""

    skipped: list[list[int]] = field(default_factory=list)
    """[first, end) of the stream's rows of every step whose gradient was not finite."""

    in_a_row: int = 0
    """Steps skipped since the last good one."""

    window: dict[str, float] = field(default_factory=dict)
    """Sums since the last log line: mlm_loss, chosen, sop_loss, labelled, grad_norm, steps."""


class Training:
    """A model, its optimiser and the counters of a run.

    Args:
        config: the run.
        accelerator: device, precision and processes.
        model: with initial weights.
        total_steps: steps of the whole run.
        control: sums over processes.
        sharded: whether several processes share out weights and optimiser (FSDP2) instead of each holding all (DDP).
        zero: how several processes share out the optimiser by DeepSpeed, if they do.
        sources: corpora, each counted.
    """

    def __init__(
        self,
        config: PretrainConfig,
        accelerator: Accelerator,
        model: PretrainingModel,
        total_steps: int,
        control: Control,
        *,
        sharded: bool = False,
        zero: Mapping[str, Any] | None = None,
        sources: int = 1,
    ) -> None:
        self.config = config
        self.accelerator = accelerator
        self.total_steps = total_steps
        self.control = control
        self.plan = StepPlan(config, total_steps)
        self.sources = sources
        self.counters = Counters(source_tokens=[0] * sources, source_rows=[0] * sources)
        self.strict = config.deterministic == "strict"
        self.flops = StepFlops(model)
        self.step_flops = 0.0
        """Operations of the last step's rows, of all processes."""
        self.sharded = sharded and control.world_size > 1
        self.by_deepspeed = zero is not None and control.world_size > 1
        precision = accelerator.mixed_precision
        if zero is not None and self.by_deepspeed:
            model.to(accelerator.device)
            self.model: Any = share_out(model, build_optimizer(model, config), zero, config, precision)
            self.optimizer: Any = self.model.optimizer
            return
        if self.sharded:
            shard(model.to(accelerator.device), precision, compiled=config.torch_compile)
            self.model = model
        else:
            # Strict mode sums gradients itself, so the model gets no wrapper.
            self.model = accelerator.prepare_model(model, evaluation_mode=self.strict)
        self.optimizer = accelerator.prepare_optimizer(build_optimizer(model, config))

    @property
    def plain_model(self) -> PretrainingModel:
        """The model without its wrappers."""
        return self.accelerator.unwrap_model(self.model, keep_torch_compile=False)

    def train_step(self, rows: dict[str, torch.Tensor], *, stop: bool) -> bool:
        """Train on this process's share of a step's rows and return whether any process was asked to stop.

        The loss is the sum over chosen tokens of the global batch divided by their number, plus the same for sentence
        order; so neither the number of processes nor the size of micro-batches changes anything but rounding. A step
        whose gradient is not finite changes no weight and no average.
        """
        step = self.counters.step
        chosen = int((rows["masked_labels"] != -100).sum())
        labelled = int((rows["sop_labels"] != -100).sum())
        real = rows["piece_ids"] != 0
        tokens, pieces = int(real.sum()), int(rows["piece_ids"].amax(1).sum())
        # Positions restart at each piece, and the first n odd numbers add up to n squared.
        pairs = int((2 * rows["position_ids"] + 1)[real].sum())
        # Known before the first forward pass, and summed on the CPU: nothing waits for the accelerator.
        of_sources = [count for source in range(self.sources) for count in _of_source(rows, source)]
        counts = self.control.sum([chosen, labelled, tokens, float(stop), pairs, pieces, *of_sources])
        self.step_flops = self.flops.of(tokens=counts[2], pairs=counts[4], chosen=counts[0], pieces=counts[5])
        mlm_total, sop_total = max(counts[0], 1.0), max(counts[1], 1.0)
        self._set_learning_rate(step)
        losses = self._backward(rows, step, (mlm_total, sop_total))
        norm = zero_step(self.model) if self.by_deepspeed else self._clip_and_step()
        finite = math.isfinite(norm)
        if finite:
            self._count(losses, counts, norm)
        else:
            first, end = self._rows_of(step)
            logger.warning(
                "step %d (rows %d to %d): gradient norm %s: no weight is changed", step, first, end - 1, norm
            )
            self.counters.skipped.append([first, end])
        # A loss scale above 1 can still fall: with fp16 such steps are no sign of trouble.
        scaler = self.accelerator.scaler
        self.counters.in_a_row = 0 if finite or (scaler and scaler.get_scale() > 1) else self.counters.in_a_row + 1
        self.optimizer.zero_grad(set_to_none=True)
        self.counters.step += 1
        self.counters.tokens += int(counts[2])
        for source in range(self.sources):
            self.counters.source_rows[source] += int(counts[6 + 2 * source])
            self.counters.source_tokens[source] += int(counts[7 + 2 * source])
        return counts[3] > 0

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        config = self.config
        return config.learning_rate * learning_rate_factor(
            step, self.total_steps, schedule=config.schedule, warmup=config.warmup, wsd_decay=config.wsd_decay
        )

    def window(self) -> dict[str, float | None]:
        """Return the means since the last log line and begin anew; the same on every process."""
        sums, self.counters.window = self.counters.window, {}
        mlm = sums["mlm_loss"] / sums["chosen"] if sums.get("chosen") else None
        sop = sums["sop_loss"] / sums["labelled"] if sums.get("labelled") else None
        return {
            "loss": None if mlm is None else mlm + (sop or 0.0),
            "mlm_loss": mlm,
            "sop_loss": sop,
            "grad_norm": sums["grad_norm"] / sums["steps"] if sums.get("steps") else None,
        }

    def save(self, folder: Path, tokenizer: ChineseTokenizer, fingerprint: dict[str, Any]) -> None:
        """Write a checkpoint (the main process does; the others give their parts and wait)."""
        model, is_main = self.plain_model, self.accelerator.is_main_process
        weights = whole_weights(model)
        if self.by_deepspeed:
            optimizer = zero_tensors(self.model)
        else:
            optimizer = optimizer_tensors(self.optimizer.optimizer, model) if is_main or self.sharded else {}
        if is_main:
            save_checkpoint(
                folder,
                self.counters.step,
                save_model=lambda inside: save_model(model, tokenizer, inside, weights),
                optimizer=optimizer,
                state={
                    "step": self.counters.step,
                    "tokens": self.counters.tokens,
                    "source_tokens": self.counters.source_tokens,
                    "source_rows": self.counters.source_rows,
                    "skipped": self.counters.skipped,
                    "data_offset": self.counters.data_offset,
                    "rollbacks": self.counters.rollbacks,
                    "in_a_row": self.counters.in_a_row,
                    "window": self.counters.window,
                    "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else None,
                    "fingerprint": fingerprint,
                },
                config=self.config,
            )
        self.accelerator.wait_for_everyone()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up a checkpoint's weights, optimiser and counters."""
        model = self.plain_model
        missing = set_weights(model, model.read_weights(checkpoint.folder))
        assert not missing, missing
        if self.by_deepspeed:
            load_zero_tensors(self.model, checkpoint.optimizer())
        else:
            load_optimizer_tensors(self.optimizer.optimizer, model, checkpoint.optimizer())
        state = checkpoint.state()
        self.counters = Counters(**{name: state[name] for name in Counters.__dataclass_fields__})
        if self.accelerator.scaler and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])

    def roll_back(self, checkpoint: Checkpoint) -> None:
        """Go back to a checkpoint and on with the rows after the last bad ones; what was skipped stays recorded."""
        failed = self.counters
        self.restore(checkpoint)
        self.optimizer.zero_grad(set_to_none=True)
        self.counters.data_offset = failed.data_offset + failed.step - checkpoint.step
        self.counters.rollbacks = failed.rollbacks + 1
        self.counters.skipped = failed.skipped
        self.counters.in_a_row = 0
        logger.warning(
            "back to %s after %d bad steps in a row, on with row %d",
            checkpoint.folder.name,
            failed.in_a_row,
            self._rows_of(checkpoint.step)[0],
        )

    def _backward(self, rows: dict[str, torch.Tensor], step: int, totals: tuple[float, float]) -> list[float]:
        """Set the gradients of the step's loss and return the MLM and SOP losses summed over the global batch."""
        config, device = self.config, self.accelerator.device
        if self.strict:
            return accumulate_slots(
                self.model, rows, config=config, step=step, totals=totals, control=self.control, device=device
            )
        if config.dropout:
            torch.manual_seed(keyed_seed(config.seed, step, self.control.rank))
        losses = torch.zeros(2, device=device)
        # Short rows go through in as many more, so that memory stays the same.
        shape = self.plan.shape(step + self.counters.data_offset)
        size = config.per_device_train_batch_size * (self.plan.growth if shape.short else 1)
        batches = micro_batches(rows, size)
        for number, batch in enumerate(batches, 1):
            last = number == len(batches)
            with self._adding_up(last), self.accelerator.autocast():
                out = self.model(**model_inputs(batch, device), return_logits=False)
                loss = out.mlm_loss_sum / totals[0] + out.sop_loss_sum / totals[1]
                # Processes are averaged by DDP, FSDP and DeepSpeed; the loss is already a share of the global mean.
                (self.model if self.by_deepspeed else self.accelerator).backward(loss * self.control.world_size)
            losses += torch.stack([out.mlm_loss_sum.detach(), out.sop_loss_sum.detach()])
        return self.control.sum(losses.tolist())

    @contextlib.contextmanager
    def _adding_up(self, last: bool) -> Iterator[None]:
        """Send gradients between processes only after a step's last micro-batch."""
        if self.by_deepspeed:
            self.model.set_gradient_accumulation_boundary(last)
        elif self.sharded:
            self.model.set_requires_gradient_sync(last)
        elif not last:
            with self.accelerator.no_sync(self.model):
                yield
            return
        yield

    def _clip_and_step(self) -> float:
        """Clip the gradients and move the weights; return the gradients' norm: nothing moves where it is not finite."""
        limit = self.config.max_grad_norm or math.inf
        norm = float(whole(self.accelerator.clip_grad_norm_(self.model.parameters(), limit)))
        if math.isfinite(norm) or self.accelerator.scaler:
            # With fp16 a gradient that is not finite is an ordinary sign that the loss scale is too high: the scaler
            # must see it, skips the update itself and lowers the scale.
            self.optimizer.step()
        return norm

    def _rows_of(self, step: int) -> tuple[int, int]:
        """Return [first, end) of the stream's rows of a step, as far as roll-backs have moved it."""
        shape = self.plan.shape(step + self.counters.data_offset)
        return shape.first, shape.first + shape.rows

    def _set_learning_rate(self, step: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(step)

    def _count(self, losses: list[float], counts: list[float], norm: float) -> None:
        added = {"mlm_loss": losses[0], "chosen": counts[0], "sop_loss": losses[1], "labelled": counts[1]}
        for name, value in {**added, "grad_norm": norm, "steps": 1.0}.items():
            self.counters.window[name] = self.counters.window.get(name, 0.0) + value


def _of_source(rows: dict[str, torch.Tensor], source: int) -> tuple[int, int]:
    """Return the rows and the real tokens of a corpus."""
    mine = rows["sources"][:, 0] == source
    return int(mine.sum()), int((rows["piece_ids"][mine] != 0).sum())
