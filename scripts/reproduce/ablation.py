"""The grid behind ablation.sh: systems x seeds, each pretrained once and fine-tuned on each task, then one table."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from corpus.files import atomic_file  # noqa: E402

SYSTEMS = {
    "mlm": ("mlm", "sop"),
    "wwm": ("wwm", "sop"),
    "wwm+ngram": ("wwm+ngram", "sop"),
    "random": ("random", "sop"),
    "mac": ("mac", "sop"),
    "mac-no-sop": ("mac", "none"),
    "mac-nsp": ("mac", "nsp"),
}
"""The masking strategy of each system, and what its [CLS] learns."""

# Cui et al. 2021 (arXiv 2004.13922's journal form), table X, MacBERT-large, average over its eight tasks.
PAPER = {"mac": 87.18, "mac-nsp": 87.00, "mac-no-sop": 86.89, "wwm+ngram": 86.88}

EVALUATION_ROWS = 1024

UNTRAINED = {
    "similar_words_restored": "replaced tokens restored (mac's masks)",
    "spelling": "spelling, not fine-tuned",
}
"""Columns of what an encoder can do before fine-tuning."""

METRICS = {"ner": "strict_span_f1", "classify": "accuracy", "correct": None, "relation": "duie_f1", "event": "duee_f1"}


@dataclass(frozen=True)
class Task:
    """One labelled set."""

    kind: str
    name: str
    folder: Path


class Record:
    """Finished cells, one JSON file each, so that several runs may share the work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "cells"
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a finished cell's figures."""
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def put(self, name: str, figures: dict[str, Any]) -> dict[str, Any]:
        """Write a cell, whole or not at all."""
        with atomic_file(self.folder / f"{name}.json") as stream:
            json.dump(figures, stream, ensure_ascii=False, indent=2)
        return figures


def run(arguments: argparse.Namespace) -> str:
    """Run what is missing of the grid and return the table."""
    output = Path(arguments.output)
    record = Record(output)
    tokens, tasks = inputs(arguments, output)
    for seed in range(arguments.seeds):
        for system in arguments.systems:
            encoder(arguments, record, system, seed, tokens, output)
            untrained(arguments, record, system, seed, tokens, output)
            for task in tasks:
                finetuned(arguments, record, system, seed, task, output)
    table = report(record, arguments.systems, arguments.seeds, tasks)
    with atomic_file(output / "table.md") as stream:
        stream.write(table)
    return table


def inputs(arguments: argparse.Namespace, output: Path) -> tuple[list[str], list[Task]]:
    """Return the token documents and labelled sets: given ones, or those of the demo, made once."""
    tasks = [Task(kind, name, Path(folder)) for kind, name, folder in (t.split(":", 2) for t in arguments.task)]
    if arguments.tokens and tasks:
        return arguments.tokens, tasks
    from macbert.demo.config import DemoConfig
    from macbert.demo.road import Road

    road = Road(DemoConfig(output=str(output / "data"), budget="long"), None)
    corpus = output / "data" / "corpus"
    tokens = output / "data" / "tokens"
    if not (tokens / "manifest.json").is_file():
        road.corpus(road.raw_text())
        road.tokens(corpus, road.tokenizer(corpus))
    labelled = output / "data" / "labelled-0"
    if not (labelled / "classify" / "test.jsonl").is_file():
        road.labelled(corpus, 0)
    own = [Task("ner", "people-daily", labelled / "ner"), Task("classify", "reviews", labelled / "classify")]
    return arguments.tokens or [str(tokens)], tasks or own


def encoder(
    arguments: argparse.Namespace, record: Record, system: str, seed: int, tokens: list[str], output: Path
) -> Path:
    """Pretrain a system once; a killed run goes on from its checkpoint."""
    name = f"{system.replace('+', '-')}-{seed}"
    folder = output / "encoders" / name
    if record.get(f"encoder-{name}") is None:
        from macbert.masking import MacMasking
        from macbert.pretraining import PretrainConfig, pretrain

        strategy, prediction = SYSTEMS[system]
        config = PretrainConfig(
            data=tokens,
            output=str(folder),
            model=arguments.model,
            masking=MacMasking(strategy=strategy),
            sentence_prediction=prediction,
            max_steps=arguments.max_steps,
            num_train_epochs=arguments.epochs,
            learning_rate=arguments.learning_rate,
            global_batch_size=arguments.batch_size,
            per_device_train_batch_size=arguments.batch_size,
            seed=seed,
            init_seed=seed,
            save_total_limit=1,
            trackers=[],
        )
        result = pretrain(config)
        record.put(f"encoder-{name}", {"tokens": result.tokens, "loss": result.loss, **result.evaluation})
    return folder


def untrained(
    arguments: argparse.Namespace, record: Record, system: str, seed: int, tokens: list[str], output: Path
) -> None:
    """Score an encoder as it is: words that mac replaced, the same ones for every system, and spelling mistakes."""
    name = f"{system.replace('+', '-')}-{seed}"
    if record.get(f"untrained-{name}") is not None:
        return
    import torch

    from macbert.finetuning import EvaluateConfig
    from macbert.finetuning import evaluate as evaluate_task
    from macbert.modeling.loading import load_model
    from macbert.pretraining import PretrainConfig
    from macbert.pretraining.batches import Control
    from macbert.pretraining.evaluation import evaluate
    from macbert.pretraining.inputs import open_inputs

    folder = str(output / "encoders" / name)
    held_out = open_inputs(PretrainConfig(data=tokens, output=folder), verify=False).held_out
    told = evaluate(
        load_model(folder).model,
        held_out,
        rows=EVALUATION_ROWS,
        batch_size=32,
        control=Control(),
        device=torch.device("cpu"),
    )
    figures = {"similar_words_restored": told["eval_replaced_accuracy"]}
    if arguments.spelling:
        scored = evaluate_task(EvaluateConfig(task="correct", model=folder, data=arguments.spelling))
        figures["spelling"] = scored.value
    record.put(f"untrained-{name}", figures)


def finetuned(
    arguments: argparse.Namespace, record: Record, system: str, seed: int, task: Task, output: Path
) -> dict[str, Any]:
    """Fine-tune a system on a task once, and score it on the test examples."""
    name = f"{system.replace('+', '-')}-{seed}"
    cell = f"{task.name}-{name}"
    if (found := record.get(cell)) is not None:
        return found
    from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune

    model = str(output / "encoders" / name)
    test = str(task.folder / "test.jsonl")
    folder = output / "finetuned" / cell
    settings = {"max_steps": arguments.finetune_steps} if arguments.finetune_steps else {}
    finetune(
        FinetuneConfig(
            task=task.kind,
            model=model,
            train=str(task.folder / "train.jsonl"),
            dev=str(task.folder / "dev.jsonl"),
            output=str(folder),
            num_train_epochs=arguments.finetune_epochs,
            per_device_train_batch_size=16,
            seed=seed,
            **settings,
        )
    )
    scored = evaluate(EvaluateConfig(task=task.kind, model=str(folder), data=test))
    metric = METRICS[task.kind] or scored.scores.primary
    return record.put(cell, {"metric": metric, "value": scored.metrics[metric]})


def report(record: Record, systems: Sequence[str], seeds: int, tasks: Sequence[Task]) -> str:
    """Return the table: means with 95 % intervals (Student's t over seeds), the paper's averages beside them."""
    rows: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for system in systems:
        for seed in range(seeds):
            name = f"{system.replace('+', '-')}-{seed}"
            for task in tasks:
                cell = record.get(f"{task.name}-{name}")
                if cell is not None:
                    rows[system][f"{task.name} {cell['metric']}"].append(cell["value"])
            told = record.get(f"untrained-{name}") or {}
            for figure, column in UNTRAINED.items():
                if told.get(figure) is not None:
                    rows[system][column].append(told[figure])
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    head = ["system", *columns, "paper's average (large)"]
    lines = ["| " + " | ".join(head) + " |", "|" + "-|" * len(head)]
    for system in systems:
        cells = [interval(rows[system][column]) for column in columns]
        lines.append("| " + " | ".join([system, *cells, str(PAPER.get(system, ""))]) + " |")
    note = f"{seeds} seeds, {time.strftime('%Y-%m-%d')}; mean ± half the 95 % interval of the mean (Student's t)."
    return "\n".join([*lines, "", note, "The paper's own differences are at most 0.3 points, of one run each.", ""])


def interval(values: Sequence[float]) -> str:
    """Return the mean and half its 95 % interval; the number of values where it is one.

    >>> interval([0.5, 0.5, 0.5])
    '0.5000 ± 0.0000'
    """
    if len(values) < 2:
        return f"{values[0]:.4f} (1 seed)" if values else "not run"
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.4f} ± {half:.4f}"


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--output", default="runs/ablation", help="folder of encoders, cells and table.md")
    flags.add_argument("--systems", nargs="+", choices=[*SYSTEMS], default=["wwm", "random", "mac"])
    flags.add_argument("--spelling", help="spelling mistakes (JSON lines of task correct) for encoders as they are")
    flags.add_argument("--seeds", type=int, default=3)
    flags.add_argument("--tokens", nargs="+", default=[], help="encoded documents; default: the demo's")
    flags.add_argument(
        "--task", action="append", default=[], help="TASK:NAME:FOLDER; default: the demo's NER and reviews"
    )
    flags.add_argument("--model", default="tiny")
    flags.add_argument("--max-steps", type=int, default=None)
    flags.add_argument(
        "--epochs", type=float, default=2.0, help="passes over the tokens where --max-steps is not given"
    )
    flags.add_argument("--learning-rate", type=float, default=2e-3)
    flags.add_argument("--batch-size", type=int, default=16)
    flags.add_argument("--finetune-epochs", type=float, default=6.0)
    flags.add_argument("--finetune-steps", type=int, default=None)
    return flags


if __name__ == "__main__":
    print(run(parser().parse_args()))
