"""``macbert chatie`` and the comparing ``macbert evaluate``: read, ask, score, write."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from corpus.dry_run import Plan, plan_of, planned, together
from corpus.errors import UserError
from corpus.files import check_output_file
from macbert.annotations import Example, read_examples, write_examples
from macbert.chatie.config import ChatieConfig, ChatSettings, EvaluateSystemsConfig
from macbert.chatie.extraction import Progress, extract, gold_labels
from macbert.chatie.planning import chat_plan
from macbert.chatie.result import ChatieResult, SystemsResult
from macbert.chatie.schema import Schema, read_schema, schema_of
from macbert.finetuning.result import EvaluateResult
from macbert.metrics import Scores, score_entities, score_events, score_relations


def chatie(config: ChatieConfig, *, progress: Progress | None = None) -> ChatieResult:
    """Extract by chat and, where the texts are labelled, score.

    Raises:
        UserError: no such data, labels that nothing tells, a server that refuses.
        OSError: a server that cannot be reached.
    """
    if config.output is not None:
        check_output_file(config.output)
    examples = [Example(text, where="--text") for text in config.text] if config.data is None else []
    if config.data is not None:
        examples = read_examples(config.data)
    result = ask_and_score(
        examples, config.task, config.model, config, config.data or "--text", progress, config.output
    )
    if config.output is not None:
        write_examples(config.output, result.predicted, surfaces=True)
    return result


def ask_and_score(
    examples: Sequence[Example],
    task: str,
    model: str,
    settings: ChatSettings,
    source: str,
    progress: Progress | None = None,
    output: str | None = None,
) -> ChatieResult:
    """Ask a chat model about texts and score what it says where all are labelled.

    Args:
        examples: texts, labelled or not.
        task: ner, relation or event.
        model: name at the server.
        settings: how to ask.
        source: where the texts come from, for messages.
        progress: see :func:`macbert.chatie.extraction.extract`.
        output: where the predictions are written, for the report.
    """
    if not examples:
        raise UserError.at(source, expected="at least one text", found="none", fix="give a file with texts")
    schema = _schema(examples, task, settings, source)
    examples = examples[: settings.limit]
    labelled = all(gold_labels(task, example) is not None for example in examples)
    if settings.mode == "oracle" and not labelled:
        fix = "give labelled texts, or another --mode"
        raise UserError.at(source, expected=f"gold for task {task} (--mode oracle)", found="texts without", fix=fix)
    planned(lambda: chat_plan(examples, schema, settings, source, output))
    extracted = extract(examples, schema, model, settings, progress)
    scores = score(task, examples, extracted.predicted) if labelled else None
    return ChatieResult(
        task=task,
        model=model,
        mode=settings.mode,
        style=settings.style,
        labels=len(schema.labels),
        schema_source=schema.source,
        predicted=extracted.predicted,
        scores=scores,
        stage_one=extracted.stage_one,
        usage=extracted.usage,
        notes=extracted.notes,
        cache=settings.cache,
        output=output,
    )


def score(task: str, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
    """Return the metrics of a task, by the same functions as for fine-tuned models."""
    if task == "ner":
        return score_entities(gold, predicted)
    return score_relations(gold, predicted) if task == "relation" else score_events(gold, predicted)


def evaluate_systems(
    config: EvaluateSystemsConfig, *, progress: Progress | None = None
) -> EvaluateResult | SystemsResult:
    """Score a fine-tuned model, a chat model, or both on the same texts.

    Raises:
        UserError: as for each of them.
        OSError: a chat server that cannot be reached.
    """
    finetuned = None
    if config.model:
        from macbert.finetuning import evaluate

        if config.chatie is not None:
            if (limit := config.endpoint.limit) is not None:
                fix = "leave it out, or cut --data"
                where = "--endpoint.limit"
                raise UserError.at(where, expected="the same texts for both", found=str(limit), fix=fix)
            arms = [dataclasses.replace(config, chatie=None), dataclasses.replace(config, model="")]
            writes = [path for path in (config.output, config.report, config.endpoint.cache) if path is not None]
            planned(lambda: together([_plan(arm) for arm in arms], writes=writes))
        finetuned = evaluate(config, progress=progress)
    if config.chatie is None:
        assert finetuned is not None
        return finetuned
    examples = read_examples(config.data)
    chat = ask_and_score(examples, config.task, config.chatie, config.endpoint, config.data, progress)
    if chat.scores is None:
        raise UserError.at(config.data, expected=f"gold for task {config.task}", found="none", fix="label the texts")
    return SystemsResult(config.task, config.data, finetuned, chat)


def _plan(config: EvaluateSystemsConfig) -> Plan:
    return plan_of(lambda: evaluate_systems(config))


def _schema(examples: Sequence[Example], task: str, settings: ChatSettings, source: str) -> Schema:
    if settings.schema is not None:
        return read_schema(task, settings.schema)
    schema = schema_of(task, examples, f"the labels of {source}")
    if not schema.labels:
        fix = "name the labels with --schema"
        raise UserError.at(source, expected=f"labels for task {task}", found="none", fix=fix)
    return schema
