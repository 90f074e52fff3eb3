"""``macbert adapt-report``: held-out losses of both encoders on the same masks, and a task fine-tuned from both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from corpus.dry_run import Plan, plan_of, planned, sizes, together
from corpus.errors import UserError
from corpus.files import atomic_file, atomic_folder
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from macbert.adaptation.config import AdaptReportConfig
from macbert.annotations import read_examples, require
from macbert.config import load_config
from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune
from macbert.finetuning.encoder import load_config as encoder_config
from macbert.finetuning.tasks import task_class
from macbert.modeling.loading import resolve_model
from macbert.pretraining.batches import Control
from macbert.pretraining.config import PretrainConfig
from macbert.pretraining.evaluation import evaluate as held_out_scores
from macbert.pretraining.inputs import Inputs, open_inputs
from tokenizer.model_files import check_weights

Progress = Callable[[str, int, int | None], None]

SIDES = ("before", "after")


@dataclass(frozen=True)
class AdaptReport:
    """What adaptation changed; each figure before and after."""

    output: str
    """Folder of ``report.json`` and the fine-tuned models."""

    losses: Mapping[str, Mapping[str, float]]
    """``domain: NAME`` or ``general: NAME`` to the held-out loss in nats at the same masks, by side."""

    metric: str
    """What the task is scored by."""

    scores: Mapping[str, list[float]]
    """Of each seed, by side."""

    scored_on: str
    """The file."""

    @property
    def gains(self) -> list[float]:
        """Score after less score before, seed by seed."""
        return [after - before for before, after in zip(self.scores["before"], self.scores["after"], strict=True)]

    @property
    def paid(self) -> bool:
        """Whether the mean gain is above 0 by more than two standard errors (with one seed: above 0)."""
        gains = self.gains
        error = stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
        return mean(gains) > 2 * error

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        lines = [
            (f"held-out loss, {name}", f"{of['before']:.4f} -> {of['after']:.4f} ({of['after'] - of['before']:+.4f})")
            for name, of in self.losses.items()
        ]
        for side in SIDES:
            lines.append((f"{self.metric}, {side}", " ".join(f"{value:.4f}" for value in self.scores[side])))
        spread = f" (standard deviation {stdev(self.gains):.4f})" if len(self.gains) > 1 else ""
        lines.append(("gain, seed by seed", f"{mean(self.gains):+.4f} on average{spread}"))
        lines.append(("did adapting pay", "yes" if self.paid else "not shown by these seeds"))
        return [*lines, ("report", str(Path(self.output) / "report.json"))]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return {**dataclasses.asdict(self), "gains": self.gains, "paid": self.paid}


def adapt_report(config: AdaptReportConfig, progress: Progress | None = None) -> AdaptReport:
    """Compare an encoder before and after it was adapted to a domain.

    Raises:
        UserError: a model, folder or file that is missing or does not fit; encoders of different vocabularies.

    >>> from macbert.adaptation import AdaptReportConfig, adapt_report
    >>> settings = AdaptReportConfig(before="runs/base", after="runs/law", task="task.yaml", output="runs/report")
    >>> adapt_report(settings)  # doctest: +SKIP
    """
    folder = own_output(Path(config.output), "adapt-report")
    given = {"model": config.before, "output": config.output, "seeds": config.seeds}
    task = load_config(FinetuneConfig, config.task, given)
    models = dict(_sides(config))
    for model in models.values():
        encoder_config(model)
        check_weights(model)
    sources = {"domain": config.domain, "general": config.general}
    opened = {
        f"{kind}: {Path(path).name}": _held_out(config, path) for kind, paths in sources.items() for path in paths
    }
    planned(lambda: _plan(config, task, folder, opened))
    losses = {
        name: {side: _loss(config, model, inputs) for side, model in models.items()} for name, inputs in opened.items()
    }
    scores: dict[str, list[float]] = {}
    metric = ""
    with atomic_folder(folder) as temporary:
        for side, model in models.items():
            done = finetune(dataclasses.replace(task, model=model, output=str(temporary / side)), progress=progress)
            metric, scores[side] = done.metric, [seed.value for seed in done.seeds]
            if config.test is not None:
                scored = [
                    evaluate(EvaluateConfig(task=task.task, model=seed.folder, data=config.test)) for seed in done.seeds
                ]
                metric, scores[side] = scored[0].scores.primary, [result.value for result in scored]
        report = AdaptReport(
            output=config.output, losses=losses, metric=metric, scores=scores, scored_on=config.test or task.dev
        )
        with atomic_file(temporary / "report.json") as stream:
            json.dump(report.as_json(), stream, ensure_ascii=False, indent=2)
            stream.write("\n")
        write_manifest(temporary, "adapt-report", config=config, inputs={})
    return report


def _plan(config: AdaptReportConfig, task: FinetuneConfig, folder: Path, opened: Mapping[str, Inputs]) -> Plan:
    """Return the plan: a fine-tuning of each side; the held-out losses are the smaller part and are named apart."""

    def tuned(side: str, model: str) -> Plan:
        output = str(folder / f"{side}.planned")
        return plan_of(lambda: finetune(dataclasses.replace(task, model=model, output=output)))

    plan = together([tuned(*side) for side in _sides(config)], writes=[config.output])
    test: list[str | None] = [config.test, *config.domain, *config.general]
    if config.test is not None:
        require(read_examples(config.test), task_class(task.task, task.head).requires, config.test, task.task)
    more = f"; held-out losses of {len(opened)} corpora on {config.eval_rows} rows come on top"
    return dataclasses.replace(
        plan,
        reads=[*plan.reads, *sizes([config.task, *test])],
        seconds=dataclasses.replace(plan.seconds, basis=plan.seconds.basis + more),
    )


def _sides(config: AdaptReportConfig) -> list[tuple[str, str]]:
    return [("before", config.before), ("after", config.after)]


def _held_out(config: AdaptReportConfig, path: str) -> Inputs:
    inputs = open_inputs(PretrainConfig(data=[path], output=config.output, max_length=config.max_length), verify=True)
    if not inputs.held_out:
        fix = "encode with --heldout-fraction above 0"
        raise UserError.at(path, expected="held-out documents", found="none", fix=fix)
    return inputs


def _loss(config: AdaptReportConfig, name: str, inputs: Inputs) -> float:
    """Return the held-out masked-token loss of an encoder."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loaded = resolve_model(name, inputs.tokenizer.vocab_size, max_length=config.max_length, init_seed=0)
    model: Any = loaded.model
    scores = held_out_scores(
        model.to(device).eval(),
        inputs.held_out,
        rows=config.eval_rows,
        batch_size=32,
        control=Control(),
        device=device,
    )
    loss = scores["eval_mlm_loss"]
    assert loss is not None, "held-out rows without a chosen token"
    return loss
