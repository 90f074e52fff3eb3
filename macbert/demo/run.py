"""``macbert demo``: the road for each seed, the closing table, and the page that shows it."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.dry_run import About, Plan, planned, resident_bytes, sizes
from corpus.errors import UserError
from corpus.files import MANIFEST_NAME, atomic_file, check_output
from corpus.manifest import package_versions, read_manifest, write_manifest
from macbert.demo.budgets import BUDGETS
from macbert.demo.config import DemoConfig
from macbert.demo.report import DemoReport, Stage, render
from macbert.demo.road import FIGURES, Progress, Road
from macbert.demo.showcase import SENTENCES, masked_example, read_texts
from macbert.demo.source import data_folder
from macbert.modeling.presets import PRESETS

logger = logging.getLogger(__name__)

PRETRAINED, RANDOM = "pretrained", "random"

SHORT_MINUTES, LONG_MINUTES = 8, 30
"""Of a seed, on 2 cores: README.md, Five-minute start, and docs/results.md (27 to 30)."""


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration came to."""

    report: str
    """Path of the page."""

    stages: Sequence[Stage]
    comparison: Sequence[dict[str, Any]]
    """One row a seed: held-out figures of each task from pretrained and from random weights."""

    predictions: Sequence[dict[str, Any]]
    """The sentences at the end, each with its names and its label."""

    def tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        """Return the closing tables as (title, header, rows)."""
        stages = [[s.name, s.taken, s.given, f"{s.seconds:.1f}", s.figure] for s in self.stages]
        comparison = [[_text(value) for value in row.values()] for row in self.comparison]
        sentences = [
            [row["text"], "、".join(f"{name['text']} ({name['type']})" for name in row["entities"]), row["label"]]
            for row in self.predictions
        ]
        return [
            ("The road", ["stage", "in", "out", "seconds", "figure"], stages),
            ("Held-out figures, pretrained against random weights", list(self.comparison[0]), comparison),
            ("Predictions", ["text", "names", "review"], sentences),
        ]

    def summary(self) -> list[tuple[str, str]]:
        """Return what stands under the tables."""
        return [("report", self.report)]

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "report": self.report,
            "stages": [vars(stage) for stage in self.stages],
            "comparison": list(self.comparison),
            "predictions": list(self.predictions),
        }


def run_demo(config: DemoConfig, progress: Progress | None = None) -> DemoResult:
    """Walk the whole road for each seed and write ``report.html``.

    Raises:
        UserError: the output folder holds something else.
        MissingExtra: the package with the data is not installed.
    """
    folder = _check_folder(config)
    planned(lambda: _plan(config))
    _empty(folder, config)
    road = Road(config, progress)
    corpus = road.corpus(road.raw_text())
    tokens = road.tokens(corpus, road.tokenizer(corpus))
    comparison = []
    models: dict[str, Path] = {}
    for seed in range(config.seed, config.seed + config.seeds):
        splits = road.labelled(corpus, seed)
        encoder, _ = road.pretrain(tokens, seed)
        row: dict[str, Any] = {"seed": seed}
        for task, split in splits.items():
            for init in (PRETRAINED, RANDOM):
                model, row[f"{task} {FIGURES[task]}, {init}"] = road.finetune(task, split, encoder, init, seed)
                models.setdefault(f"{task} {init}", model)
        models.setdefault("encoder", encoder)
        comparison.append(row)
        logger.info("seed %d: %s", seed, json.dumps(row))
    predictions = read_texts(config.text or SENTENCES, models[f"ner {PRETRAINED}"], models[f"classify {PRETRAINED}"])
    losses, held_out = _curves(models["encoder"] / "log.jsonl")
    page = DemoReport(
        stages=road.stages,
        comparison=comparison,
        losses=losses,
        held_out=held_out,
        masked=masked_example(models["encoder"], tokens / "tokenizer", config.seed),
        predictions=predictions,
        versions=package_versions(),
    )
    with atomic_file(folder / "report.html") as stream:
        stream.write(render(page))
    result = DemoResult(str(folder / "report.html"), road.stages, comparison, predictions)
    with atomic_file(folder / "results.json") as stream:
        json.dump(result.as_json(), stream, ensure_ascii=False, indent=2)
    write_manifest(folder, "demo", config=config, inputs={})
    return result


def _plan(config: DemoConfig) -> Plan:
    minutes = {"short": SHORT_MINUTES, "long": LONG_MINUTES}[config.budget]
    data = sum(size for _, size in sizes([data_folder()]))
    layers, hidden = PRESETS[BUDGETS[config.budget].model]
    weights = 4 * (12 * layers * hidden**2 + BUDGETS[config.budget].vocab_size * hidden)
    return Plan(
        sizes([data_folder()]),
        [config.output],
        About(60 * minutes * config.seeds, f"{minutes} min a seed on two quiet cores (README.md, docs/results.md)"),
        About((1 + config.workers) * resident_bytes(), f"this process, and {config.workers} that read text"),
        About(5 * data + 25 * weights * config.seeds, "the text five times, and the weights of a seed 25 times"),
    )


def _check_folder(config: DemoConfig) -> Path:
    """Return the output folder if it may be one; nothing is written."""
    folder = Path(config.output)
    check_output(folder)
    if (folder / MANIFEST_NAME).exists():
        read_manifest(folder, "demo")
    elif folder.is_symlink():
        raise UserError.at(folder, expected="a folder", found="a link", fix="give the folder itself")
    return folder


def _empty(folder: Path, config: DemoConfig) -> None:
    """Make the folder anew without what an earlier demonstration left; the manifest says that it is ours."""
    if (folder / MANIFEST_NAME).exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, "demo", config=config, inputs={}, finished=False)


def _curves(log: Path) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Return the (step, loss) points of training and of held-out evaluation."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    training = [(line["step"], line["mlm_loss"]) for line in lines if line.get("mlm_loss") is not None]
    held_out = [(line["step"], line["eval_mlm_loss"]) for line in lines if line.get("eval_mlm_loss") is not None]
    return training, held_out


def _text(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
