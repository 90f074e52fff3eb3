"""The loop: open, go on from the newest checkpoint, train, evaluate, save, finish."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast

from corpus.errors import UserError
from macbert.modeling.loading import resolve_model, set_dropout
from macbert.pretraining.batches import Control, StepRows, step_loader
from macbert.pretraining.checkpoints import Checkpoint, checkpoint_folder, newest_valid, rotate
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.evaluation import evaluate
from macbert.pretraining.fingerprint import check_fingerprint, run_fingerprint
from macbert.pretraining.inputs import Inputs, open_inputs
from macbert.pretraining.journal import Journal, read_journal
from macbert.pretraining.plot import plot_loss
from macbert.pretraining.result import PretrainResult
from macbert.pretraining.run_folder import check_run_folder, claim_run_folder, write_final_model
from macbert.pretraining.stopping import StopRequest
from macbert.pretraining.strict import check_slots, strict_arithmetic
from macbert.pretraining.training import Training

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]


def pretrain(config: PretrainConfig, progress: Progress | None = None) -> PretrainResult:
    """Train an encoder on encoded documents, or go on with a run that was stopped or killed.

    The run's folder gets what plain transformers loads (``BertForPreTraining``), ``log.jsonl``, ``loss.png`` and
    ``checkpoint-N/``. Batches and masks are functions of the step, so a run that was killed ends with the same weights
    as one that was not.

    Args:
        config: the run.
        progress: called with ("pretrain", steps done, steps in all).

    Raises:
        UserError: an input is missing, damaged, or differs from the checkpoint's.
        OSError: the disk is full, among others; the last checkpoint stays whole.

    >>> from macbert import PretrainConfig, pretrain
    >>> pretrain(PretrainConfig(data=["data/tokens"], output="runs/tiny", model="tiny"))  # doctest: +SKIP
    """
    launched = not torch.distributed.is_initialized()
    accelerator = _accelerator(config)
    strict = config.deterministic == "strict"
    try:
        with strict_arithmetic() if strict else contextlib.nullcontext():
            return _pretrain(config, accelerator, progress)
    finally:
        if launched and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _pretrain(config: PretrainConfig, accelerator: Accelerator, progress: Progress | None) -> PretrainResult:
    control = Control()
    if config.global_batch_size % control.world_size:
        found = f"{config.global_batch_size} for {control.world_size} processes"
        fix = "choose a number that they can share evenly"
        raise UserError.at("--global-batch-size", expected="rows for every process", found=found, fix=fix)
    if config.deterministic == "strict":
        check_slots(config, control.world_size)
    folder = check_run_folder(config) if accelerator.is_main_process else Path(config.output)
    inputs = open_inputs(config, verify=accelerator.is_main_process)
    steps_of_epochs = math.ceil(config.num_train_epochs * inputs.stream.rows_per_epoch / config.global_batch_size)
    total_steps = config.max_steps or steps_of_epochs
    loaded = resolve_model(
        config.model,
        inputs.tokenizer.vocab_size,
        max_length=config.max_length,
        init_seed=config.init_seed,
    )
    fingerprint = run_fingerprint(
        config,
        inputs.fingerprint,
        max_steps=total_steps,
        mixed_precision=accelerator.mixed_precision,
        model=loaded.model.config.to_diff_dict() | {"transformers_version": None},
    )
    checkpoint = _agree_on_checkpoint(folder, accelerator)
    if checkpoint is not None:
        check_fingerprint(checkpoint.folder.name, checkpoint.state()["fingerprint"], fingerprint, config.allow_change)
    if accelerator.is_main_process:
        claim_run_folder(config)
    set_dropout(loaded.model, config.dropout)
    parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
    training = Training(config, accelerator, loaded.model, total_steps, control)
    if checkpoint is not None:
        training.restore(checkpoint)

    with _Reporter(training, inputs, folder, progress) as reporter, StopRequest() as stop:
        finished = _train(training, inputs, folder, fingerprint, reporter, stop)
    if accelerator.is_main_process and finished:
        write_final_model(
            folder,
            training.plain_model,
            inputs.tokenizer,
            config=config,
            inputs=fingerprint,
            step=training.counters.step,
            evaluation=reporter.evaluation,
        )
    accelerator.wait_for_everyone()
    return PretrainResult(
        output=str(folder),
        finished=finished,
        step=training.counters.step,
        max_steps=total_steps,
        resumed_from=checkpoint.step if checkpoint else None,
        skipped_steps=len(training.counters.skipped),
        parameters=parameters,
        rows=inputs.stream.rows_per_epoch,
        loss=reporter.loss,
        tokens=training.counters.tokens,
        seconds=reporter.seconds,
        tokens_per_second=reporter.tokens / reporter.seconds if reporter.seconds else None,
        data_stall=reporter.waited / reporter.seconds if reporter.seconds else None,
        mixed_precision=accelerator.mixed_precision,
        evaluation=reporter.evaluation,
    )


def _train(
    training: Training,
    inputs: Inputs,
    folder: Path,
    fingerprint: dict[str, Any],
    reporter: _Reporter,
    stop: StopRequest,
) -> bool:
    """Run the steps that are left and return whether the last one was reached."""
    config, counters, total = training.config, training.counters, training.total_steps
    save_steps = config.save_steps or max(1, math.ceil(total / 10))
    rows = StepRows(inputs.stream, config.global_batch_size, training.control.rank, training.control.world_size)
    loader = step_loader(rows, counters.step, total, config.num_workers)
    training.model.train()
    stopping = False
    while counters.step < total and not stopping:
        began = time.perf_counter()
        batch = next(loader)
        waited = time.perf_counter() - began
        tokens_before = counters.tokens
        stopping = training.train_step(batch, stop=stop.requested)
        reporter.count(time.perf_counter() - began, waited, counters.tokens - tokens_before)
        step, last = counters.step, counters.step == total
        if step % config.logging_steps == 0 or last:
            reporter.log()
        if last or (config.eval_steps and step % config.eval_steps == 0):
            reporter.evaluate()
        if last or stopping or step % save_steps == 0:
            training.save(folder, inputs.tokenizer, fingerprint)
            if training.accelerator.is_main_process:
                rotate(folder, config.save_total_limit)
    return counters.step == total


class _Reporter:
    """Log lines, trackers, progress and evaluation; what a run says about itself."""

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

    def __enter__(self) -> _Reporter:
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


def _accelerator(config: PretrainConfig) -> Accelerator:
    if not torch.distributed.is_initialized():
        # accelerate keeps the first settings of a process for ever; a second run may want others.
        AcceleratorState._reset_state(reset_partial_state=True)
    has_gpu = torch.cuda.is_available()
    precision = config.mixed_precision
    if precision == "auto":
        precision = "bf16" if config.deterministic == "off" and _has_fast_bf16() else "no"
    if precision == "fp16" and not has_gpu:
        fix = "use bf16 or no"
        raise UserError.at("--mixed-precision", expected="a GPU for fp16", found="none", fix=fix)
    return Accelerator(
        cpu=not has_gpu,
        mixed_precision=precision,
        log_with=config.trackers or None,
        project_dir=config.output,
    )


def _has_fast_bf16() -> bool:
    """Return whether bf16 products run in hardware (measured on a CPU with AMX: 1.8 to 2 times a step of fp32)."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def _agree_on_checkpoint(folder: Path, accelerator: Accelerator) -> Checkpoint | None:
    """Return the checkpoint to go on from: the main process verifies, the others take its answer."""
    step = -1
    if accelerator.is_main_process:
        found = newest_valid(folder)
        step = found.step if found else -1
    if accelerator.num_processes > 1:
        step = int(broadcast(torch.tensor(step, device=accelerator.device)))
    return Checkpoint(checkpoint_folder(folder, step), step) if step >= 0 else None
