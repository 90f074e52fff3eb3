"""One training step and the state around it."""

from __future__ import annotations

import contextlib
import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from macbert.modeling import MacBertForPreTraining
from macbert.pretraining.batches import Control, micro_batches, model_inputs
from macbert.pretraining.checkpoints import Checkpoint, save_checkpoint
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.optimizer import build_optimizer, load_optimizer_tensors, optimizer_tensors
from macbert.pretraining.run_folder import save_model
from macbert.pretraining.schedule import learning_rate_factor
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
    """

    def __init__(
        self,
        config: PretrainConfig,
        accelerator: Accelerator,
        model: MacBertForPreTraining,
        total_steps: int,
        control: Control,
    ) -> None:
        self.config = config
        self.accelerator = accelerator
        self.total_steps = total_steps
        self.control = control
        self.counters = Counters()
        self.strict = config.deterministic == "strict"
        optimizer = build_optimizer(model, config)
        # Strict mode sums gradients itself, so the model gets no wrapper.
        self.model = accelerator.prepare_model(model, evaluation_mode=self.strict)
        self.optimizer = accelerator.prepare_optimizer(optimizer)

    @property
    def plain_model(self) -> MacBertForPreTraining:
        """The model without its wrappers."""
        return self.accelerator.unwrap_model(self.model)

    def train_step(self, rows: dict[str, torch.Tensor], *, stop: bool) -> bool:
        """Train on this process's share of a step's rows and return whether any process was asked to stop.

        The loss is the sum over chosen tokens of the global batch divided by their number, plus the same for sentence
        order; so neither the number of processes nor the size of micro-batches changes anything but rounding. A step
        whose gradient is not finite changes no weight and no average.
        """
        step, config = self.counters.step, self.config
        chosen = int((rows["masked_labels"] != -100).sum())
        labelled = int((rows["sop_labels"] != -100).sum())
        tokens = int((rows["piece_ids"] != 0).sum())
        # Known before the first forward pass, and summed on the CPU: nothing waits for the accelerator.
        counts = self.control.sum([chosen, labelled, tokens, float(stop)])
        mlm_total, sop_total = max(counts[0], 1.0), max(counts[1], 1.0)
        self._set_learning_rate(step)
        losses = self._backward(rows, step, (mlm_total, sop_total))
        limit = config.max_grad_norm or math.inf
        norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), limit))
        finite = math.isfinite(norm)
        if finite or self.accelerator.scaler:
            # With fp16 a gradient that is not finite is an ordinary sign that the loss scale is too high: the scaler
            # must see it, skips the update itself and lowers the scale.
            self.optimizer.step()
        if finite:
            self._count(losses, counts, norm)
        else:
            first = (step + self.counters.data_offset) * config.global_batch_size
            end = first + config.global_batch_size
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
        """Write a checkpoint (the main process does; the others wait)."""
        if self.accelerator.is_main_process:
            model = self.plain_model
            save_checkpoint(
                folder,
                self.counters.step,
                save_model=lambda inside: save_model(model, tokenizer, inside),
                optimizer=optimizer_tensors(self.optimizer.optimizer, model),
                state={
                    "step": self.counters.step,
                    "tokens": self.counters.tokens,
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
        missing, unexpected = model.load_state_dict(checkpoint.weights(), strict=False)
        assert set(missing) <= set(model.all_tied_weights_keys), missing
        assert not unexpected, unexpected
        model.tie_weights()
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
            (checkpoint.step + self.counters.data_offset) * self.config.global_batch_size,
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
        batches = micro_batches(rows, config.per_device_train_batch_size)
        for number, batch in enumerate(batches, 1):
            last = number == len(batches)
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                out = self.model(**model_inputs(batch, device), return_logits=False)
                loss = out.mlm_loss_sum / totals[0] + out.sop_loss_sum / totals[1]
                # Processes are averaged by DDP and FSDP; the loss above is already a share of the global mean.
                self.accelerator.backward(loss * self.control.world_size)
            losses += torch.stack([out.mlm_loss_sum.detach(), out.sop_loss_sum.detach()])
        return self.control.sum(losses.tolist())

    def _set_learning_rate(self, step: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(step)

    def _count(self, losses: list[float], counts: list[float], norm: float) -> None:
        added = {"mlm_loss": losses[0], "chosen": counts[0], "sop_loss": losses[1], "labelled": counts[1]}
        for name, value in {**added, "grad_norm": norm, "steps": 1.0}.items():
            self.counters.window[name] = self.counters.window.get(name, 0.0) + value
