"""From an encoder and labelled texts to fine-tuned models: every seed, the best of them on dev, and the spread."""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from corpus.dry_run import planned
from corpus.errors import Problem, UserError
from corpus.files import atomic_folder, sha256_file
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from macbert.annotations import Example, read_examples, require
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder import load_config, load_tokenizer, seeded
from macbert.finetuning.folder import save_finetuned
from macbert.finetuning.forward import Progress
from macbert.finetuning.planning import training_plan
from macbert.finetuning.result import FinetuneResult, SeedResult
from macbert.finetuning.tasks import task_class
from macbert.finetuning.tasks.base import Feature, Task
from macbert.metrics import Scores
from macbert.modeling.loading import quiet_transformers

logger = logging.getLogger(__name__)

Value = TypeVar("Value")


def finetune(config: FinetuneConfig, *, progress: Progress | None = None) -> FinetuneResult:
    """Fine-tune an encoder on labelled texts and write the best model to ``config.output``.

    The folder holds what plain transformers loads where it has a class for the task, ``task.json``, ``log.jsonl``,
    ``result.json``, a manifest of kind ``finetuned``, and with several seeds each seed's model in ``seed-N/``.

    Raises:
        UserError: everything wrong with the files, the labels and the model at once; nothing is written then.
    """
    output = own_output(config.output, "finetuned")
    task, train, dev = _prepare(config)
    metric = config.metric_for_best_model or task.score([], []).primary
    if metric not in (known := task.score([], []).metrics):
        raise UserError.at(
            "--metric-for-best-model", expected=f"one of {', '.join(known)}", found=metric, fix="choose a metric"
        )
    features = task.features(train)
    steps = config.max_steps or _steps(config, len(features))
    planned(lambda: training_plan(config, task, features, dev, steps))
    with atomic_folder(output) as folder:
        seeds = []
        for number in range(config.seeds):
            inside = f"seed-{number}" if config.seeds > 1 else ""
            result = _train_seed(config, task, features, dev, folder / inside, config.seed + number, metric, progress)
            seeds.append(SeedResult(folder=str(output / inside), **result))
        done = FinetuneResult(
            output=str(output),
            task=task.name,
            metric=metric,
            seeds=seeds,
            labels=task.labels,
            train_examples=len(train),
            dev_examples=len(dev),
            init=config.init,
            notes={name: count for name, count in task.notes.items() if count},
        )
        if config.seeds > 1:
            best = folder / f"seed-{seeds.index(done.best)}"
            shutil.copytree(best, folder, dirs_exist_ok=True)
        (folder / "result.json").write_text(
            json.dumps(done.as_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        inputs = {
            "train": sha256_file(config.train),
            "dev": sha256_file(config.dev),
            "model": _fingerprint(config.model),
        }
        write_manifest(folder, "finetuned", config=config, inputs=inputs)
    return done


def _prepare(config: FinetuneConfig) -> tuple[Task, list[Example], list[Example]]:
    cls = task_class(config.task, config.head)

    def examples(path: str, most: int | None) -> list[Example]:
        found = read_examples(path)
        require(found, cls.requires, path, cls.name)
        return found[:most]

    def tokenizer() -> Any:
        return load_tokenizer(config.model, load_config(config.model), config.max_length)

    train, dev, loaded = all_or_every_problem(
        lambda: examples(config.train, config.max_train_samples),
        lambda: examples(config.dev, config.max_eval_samples),
        tokenizer,
    )
    return cls.learn(config, loaded, train, dev), train, dev


def all_or_every_problem(*steps: Callable[[], Any]) -> list[Any]:
    """Return the value of each step, or raise one UserError with the problems of all."""
    values: list[Any] = []
    problems: list[Problem] = []
    for step in steps:
        try:
            values.append(step())
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(*dict.fromkeys(problems))
    return values


def _train_seed(
    config: FinetuneConfig,
    task: Task,
    features: Sequence[Feature],
    dev: Sequence[Example],
    folder: Path,
    seed: int,
    metric: str,
    progress: Progress | None,
) -> dict[str, Any]:
    from macbert.finetuning.trainer import (
        Journal,
        TaskTrainer,
        optimizer_groups,
        quiet_callbacks,
        training_arguments,
    )

    start = time.perf_counter()
    label = f"fine-tune {task.name}" + (f" (seed {seed})" if config.seeds > 1 else "")
    work = folder / "trainer"
    scored: dict[int, Scores] = {}
    steps = config.max_steps or _steps(config, len(features))
    with seeded(seed), quiet_transformers():
        model = task.build_model(config.model, init=config.init, seed=seed)
        journal = Journal(label, progress)
        arguments = training_arguments(config, folder=str(work), seed=seed, metric=metric, steps=steps)
        hidden = load_config(config.model).hidden_size

        def score(current: torch.nn.Module) -> dict[str, float]:
            predicted = task.predict(current, dev, None)
            scored[trainer.state.global_step] = task.score(dev, predicted)
            return dict(scored[trainer.state.global_step].metrics)

        groups = optimizer_groups(model, config, hidden)
        trainer = TaskTrainer(
            model=model,
            args=arguments,
            train_dataset=list(features),
            eval_dataset=list(dev),
            data_collator=task.collate,
            optimizers=(torch.optim.AdamW(groups, fused=not torch.cuda.is_available()), None),
            compute_loss_func=task.loss(),
            callbacks=[journal],
            score=score,
        )
        quiet_callbacks(trainer, config)
        outcome = trainer.train()
        shutil.rmtree(work, ignore_errors=True)
        best = trainer.state.best_global_step or max(scored)
        if task.calibrate(model, dev, None):
            scored[best] = task.score(dev, task.predict(model, dev, None))
        save_finetuned(task, model, folder)
    with open(folder / "log.jsonl", "w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in journal.lines)
    return {
        "seed": seed,
        "value": scored[best].metrics[metric],
        "metrics": dict(scored[best].metrics),
        "step": best,
        "steps": trainer.state.global_step,
        "train_loss": outcome.training_loss,
        "seconds": time.perf_counter() - start,
    }


def _steps(config: FinetuneConfig, rows: int) -> int:
    devices = max(1, torch.cuda.device_count())
    batch = config.per_device_train_batch_size * devices * config.gradient_accumulation_steps
    return math.ceil(math.ceil(rows / batch) * config.num_train_epochs)


def _fingerprint(model: str) -> str:
    """Return the SHA-256 of the weights that training started from."""
    for name in ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"):
        if Path(model, name).is_file():
            return sha256_file(Path(model, name))
    return "none"
