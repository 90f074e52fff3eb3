"""A fine-tuned model's score on labelled texts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from corpus.dry_run import planned
from corpus.files import atomic_file, check_output_file
from macbert.annotations import Example, read_examples, require, write_examples
from macbert.finetuning.config import EvaluateConfig
from macbert.finetuning.folder import load_finetuned
from macbert.finetuning.forward import Progress
from macbert.finetuning.planning import reading_plan
from macbert.finetuning.result import EvaluateResult
from macbert.finetuning.training import all_or_every_problem
from macbert.metrics import Scores
from macbert.metrics.error_report import entity_report, event_report, label_report


def evaluate(config: EvaluateConfig, *, progress: Progress | None = None) -> EvaluateResult:
    """Score a fine-tuned model on labelled texts; labels that it never saw count as missed.

    Raises:
        UserError: no such model or file, lines with mistakes (all listed), or a model for another task.
    """
    for path in (config.output, config.report):
        if path is not None:
            check_output_file(path)
    loaded, gold = all_or_every_problem(
        lambda: load_finetuned(config.model, expected_task=config.task), lambda: read_examples(config.data)
    )
    task = loaded.task
    if config.threshold is not None:
        task.options["threshold"] = config.threshold
    require(gold, task.requires, config.data, task.name)
    task.check_gold(gold, config.data)
    planned(
        lambda: reading_plan(
            lambda some: task.predict(loaded.model, some, config.max_batch_tokens),
            gold,
            reads=[config.model, config.data],
            writes=[config.output, config.report],
        )
    )
    start = time.perf_counter()
    predicted = task.predict(loaded.model, gold, config.max_batch_tokens, progress)
    seconds = time.perf_counter() - start
    if config.output is not None:
        write_examples(config.output, predicted, surfaces=True)
    scores = task.score(gold, predicted)
    if config.report is not None:
        page = _page(task.name, gold, predicted, scores, f"{config.model} on {config.data}")
        with atomic_file(config.report) as stream:
            stream.write(page)
    return EvaluateResult(
        task=task.name,
        model=config.model,
        data=config.data,
        scores=scores,
        characters=sum(len(example.text) + len(example.text_pair or "") for example in gold),
        seconds=seconds,
    )


def _page(task: str, gold: Sequence[Example], predicted: Sequence[Example], scores: Scores, title: str) -> str:
    if task in ("ner", "relation"):
        return entity_report(gold, predicted, scores, title)
    if task == "event":
        return event_report(gold, predicted, scores, title)
    texts = [" ⫽ ".join(filter(None, (e.question, e.text, e.text_pair))) for e in gold]
    return label_report([_answer(e) for e in gold], [_answer(e) for e in predicted], texts, scores, title)


def _answer(example: Example) -> str:
    """Return what a task says of a text, as one string."""
    if example.answers is not None:
        return example.slice(example.answers[0]) if example.answers else "(none)"
    if example.target is not None:
        return example.target
    return "; ".join(example.labels) if example.labels is not None else example.label or ""
