"""The loop: open, go on from the newest checkpoint, train, evaluate, save, finish."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast

from corpus.dry_run import planned
from corpus.errors import UserError
from macbert.modeling.loading import resolve_model, set_dropout
from macbert.pretraining.batches import Control, StepRows, step_loader
from macbert.pretraining.checkpoints import Checkpoint, checkpoint_folder, newest_valid, rotate
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.deepspeed import asked_for_zero
from macbert.pretraining.devices import build_accelerator
from macbert.pretraining.fingerprint import check_fingerprint, run_fingerprint
from macbert.pretraining.inputs import Inputs, open_inputs
from macbert.pretraining.plan import StepPlan
from macbert.pretraining.planning import run_plan
from macbert.pretraining.reporter import Progress, Reporter
from macbert.pretraining.result import PretrainResult
from macbert.pretraining.run_folder import check_run_folder, claim_run_folder, write_final_model
from macbert.pretraining.sharding import asked_for_sharding, whole_weights
from macbert.pretraining.stopping import StopRequest
from macbert.pretraining.strict import check_slots, strict_arithmetic
from macbert.pretraining.training import Training


def pretrain(config: PretrainConfig, progress: Progress | None = None) -> PretrainResult:
    """Train an encoder on encoded documents, or go on with a run that was stopped or killed.

    The run's folder gets what plain transformers loads (``BertForPreTraining``), ``log.jsonl``, ``loss.png``,
    ``loss.html`` and ``checkpoint-N/``. Batches and masks are functions of the step, so a run that was killed ends with
    the same weights as one that was not.

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
    sharded, zero = asked_for_sharding(config), asked_for_zero(config)
    accelerator = build_accelerator(config)
    strict = config.deterministic == "strict"
    try:
        with strict_arithmetic() if strict else contextlib.nullcontext():
            return _pretrain(config, accelerator, progress, sharded, zero)
    finally:
        if launched and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _pretrain(
    config: PretrainConfig,
    accelerator: Accelerator,
    progress: Progress | None,
    sharded: bool,
    zero: Mapping[str, Any] | None,
) -> PretrainResult:
    control = Control()
    if config.deterministic == "strict":
        check_slots(config, control.world_size)
    folder = check_run_folder(config) if accelerator.is_main_process else Path(config.output)
    inputs = open_inputs(config, verify=accelerator.is_main_process)
    rows_of_epoch = inputs.streams[False].rows_per_epoch
    total_steps = config.max_steps or math.ceil(config.num_train_epochs * rows_of_epoch / config.global_batch_size)
    StepPlan(config, total_steps).check(
        control.world_size, config.strict_slots if config.deterministic == "strict" else None
    )
    loaded = resolve_model(
        config.model,
        inputs.tokenizer.vocab_size,
        max_length=config.max_length,
        init_seed=config.init_seed,
        encoder=config.encoder,
        special_ids={
            "pad_token_id": inputs.tokenizer.pad_id,
            "bos_token_id": inputs.tokenizer.cls_id,
            "eos_token_id": inputs.tokenizer.sep_id,
            "mask_token_id": inputs.tokenizer.mask_id,
        },
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
    planned(lambda: run_plan(config, accelerator, loaded.model, total_steps, checkpoint.step if checkpoint else 0))
    if accelerator.is_main_process:
        claim_run_folder(config)
    set_dropout(loaded.model, config.dropout)
    parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
    training = Training(
        config, accelerator, loaded.model, total_steps, control, sharded=sharded, zero=zero, sources=len(inputs.names)
    )
    if checkpoint is not None:
        training.restore(checkpoint)

    with Reporter(training, inputs, folder, progress) as reporter, StopRequest() as stop:
        finished = _train(training, inputs, folder, fingerprint, reporter, stop)
    weights = whole_weights(training.plain_model) if finished else None
    if accelerator.is_main_process and finished:
        write_final_model(
            folder,
            training.plain_model,
            inputs.tokenizer,
            weights,
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
        rows=rows_of_epoch,
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
    reporter: Reporter,
    stop: StopRequest,
) -> bool:
    """Run the steps that are left and return whether the last one was reached."""
    config, total = training.config, training.total_steps
    save_steps = config.save_steps or max(1, math.ceil(total / 10))
    rows = StepRows(inputs.streams, training.plan, training.control.rank, training.control.world_size)
    loader = _loader(training, rows)
    training.model.train()
    stopping = False
    while training.counters.step < total and not stopping:
        began = time.perf_counter()
        batch = next(loader)
        waited = time.perf_counter() - began
        tokens_before = training.counters.tokens
        stopping = training.train_step(batch, stop=stop.requested)
        reporter.count(time.perf_counter() - began, waited, training.counters.tokens - tokens_before)
        if training.counters.in_a_row >= config.max_skipped_in_a_row:
            _roll_back(training, folder, reporter)
            loader = _loader(training, rows)
            continue
        step, last = training.counters.step, training.counters.step == total
        if step % config.logging_steps == 0 or last:
            reporter.log()
        if last or (config.eval_steps and step % config.eval_steps == 0):
            reporter.evaluate()
        if last or stopping or step % save_steps == 0:
            training.save(folder, inputs.tokenizer, fingerprint)
            if training.accelerator.is_main_process:
                rotate(folder, config.save_total_limit, config.save_keep_every)
    return training.counters.step == total


def _loader(training: Training, rows: StepRows) -> Iterator[dict[str, torch.Tensor]]:
    offset = training.counters.data_offset
    return step_loader(
        rows, training.counters.step + offset, training.total_steps + offset, training.config.num_workers
    )


def _roll_back(training: Training, folder: Path, reporter: Reporter) -> None:
    """Go back to the last good checkpoint, past the rows that did not work.

    Raises:
        UserError: there is no checkpoint yet, or the run went back too often; the bad rows are named.
    """
    counters = training.counters
    checkpoint = _agree_on_checkpoint(folder, training.accelerator)
    if checkpoint is None or counters.rollbacks >= training.config.max_rollbacks:
        first, end = counters.skipped[-counters.in_a_row][0], counters.skipped[-1][1]
        found = f"{counters.in_a_row} bad steps in a row (rows {first} to {end - 1}), {counters.rollbacks} roll-backs"
        fix = "lower --learning-rate, lengthen --warmup, or use --mixed-precision no"
        raise UserError.at(f"step {counters.step}", expected="finite gradients", found=found, fix=fix)
    training.roll_back(checkpoint)
    reporter.go_back()


def _agree_on_checkpoint(folder: Path, accelerator: Accelerator) -> Checkpoint | None:
    """Return the checkpoint to go on from: the main process verifies, the others take its answer."""
    step = -1
    if accelerator.is_main_process:
        found = newest_valid(folder)
        step = found.step if found else -1
    if accelerator.num_processes > 1:
        step = int(broadcast(torch.tensor(step, device=accelerator.device)))
    return Checkpoint(checkpoint_folder(folder, step), step) if step >= 0 else None
