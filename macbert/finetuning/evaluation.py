"""A fine-tuned model's score on labelled texts."""

from __future__ import annotations

import time

from corpus.files import check_output_file
from macbert.annotations import read_examples, require, write_examples
from macbert.finetuning.config import EvaluateConfig
from macbert.finetuning.folder import load_finetuned
from macbert.finetuning.forward import Progress
from macbert.finetuning.result import EvaluateResult
from macbert.finetuning.training import all_or_every_problem


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
    start = time.perf_counter()
    predicted = task.predict(loaded.model, gold, config.max_batch_tokens, progress)
    seconds = time.perf_counter() - start
    if config.output is not None:
        write_examples(config.output, predicted, surfaces=True)
    return EvaluateResult(
        task=task.name,
        model=config.model,
        data=config.data,
        scores=task.score(gold, predicted),
        characters=sum(len(example.text) + len(example.text_pair or "") for example in gold),
        seconds=seconds,
    )
