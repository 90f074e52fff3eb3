"""What a chat model's extraction came to, and the table of several systems."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from macbert.annotations import Example
from macbert.annotations.writing import example_as_json
from macbert.chatie.client import Usage
from macbert.chatie.grounding import PROJECTION
from macbert.finetuning.result import EvaluateResult
from macbert.metrics import Counts, Scores

SHARED_METRIC = {"ner": "surface", "relation": "duie", "event": "duee"}
"""The rule under which a chat model and a fine-tuned one are compared: of strings, since chat gives no places."""

CONTAMINATION = "public sets may be in a chat model's training data; its figures on them may be too high"

_SHOWN = 20


@dataclass(frozen=True)
class ChatieResult:
    """What was found, what it cost and how good it is."""

    task: str
    """ner, relation or event."""

    model: str
    """Name at the server."""

    mode: str
    """two-stage, single or oracle."""

    style: str
    """json or paper."""

    labels: int
    """Labels asked about."""

    schema_source: str
    """Where the labels come from."""

    predicted: list[Example]
    """Each text with what was found."""

    scores: Scores | None
    """Against the gold, if the texts have one."""

    stage_one: Counts | None
    """The first stage by itself."""

    usage: Usage
    """Questions, tokens, seconds."""

    notes: Counter[str]
    """How answers were read, and what was left out why."""

    cache: str
    """Folder of the answers."""

    output: str | None = None
    """File of the predictions."""

    @property
    def hallucination_rate(self) -> float:
        """Share of the answers that do not stand in their text."""
        return self.notes["ungrounded"] / self.notes["answers"] if self.notes["answers"] else 0.0

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        usage, notes = self.usage, self.notes
        source = f"{self.labels} labels from {self.schema_source}"
        lines = [("task", f"{self.task}, {self.mode}, {self.style} style, {source}"), ("model", self.model)]
        if self.scores is not None:
            shared = SHARED_METRIC[self.task]
            first = {name: value for name, value in self.scores.metrics.items() if name.startswith(f"{shared}_")}
            lines += [(name, f"{value:.4f}") for name, value in first.items()]
            lines += [(n, f"{v:.4f}") for n, v in self.scores.metrics.items() if n not in first and n.endswith("f1")]
            if self.task == "ner":
                lines.append(("spans", PROJECTION))
        if self.stage_one is not None:
            one = self.stage_one
            lines.append(("labels of stage one", f"P {one.precision:.4f}  R {one.recall:.4f}  F1 {one.f1:.4f}"))
        rate = f"{self.hallucination_rate:.1%} ({notes['ungrounded']:,} of {notes['answers']:,} answers)"
        lines += [
            ("texts", f"{len(self.predicted):,}"),
            ("questions", f"{usage.calls:,} asked, {usage.cached:,} from {self.cache}, {usage.failed:,} failed"),
            ("tokens", f"{usage.prompt_tokens:,} in, {usage.completion_tokens:,} out"),
            ("seconds waited", f"{usage.seconds:,.1f}, {usage.retries:,} further tries"),
            ("not in the text", rate),
        ]
        shown = {name: n for name, n in sorted(notes.items()) if n and name not in ("answers", "ungrounded", "replies")}
        lines += [(name.replace("_", " "), f"{count:,}") for name, count in shown.items()]
        lines += [(f"wire: {name}", f"{count:,}") for name, count in sorted(usage.troubles.items())]
        if self.output is not None:
            lines.append(("predictions", self.output))
        elif self.scores is None:
            lines += [("", f"{e.text[:40]}  {_told(e)}") for e in self.predicted[:_SHOWN]]
        return [*lines, ("note", CONTAMINATION)] if self.scores is not None else lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure; predictions too where they went to no file."""
        found = None if self.output else [example_as_json(e, surfaces=True) for e in self.predicted]
        one = None if self.stage_one is None else self.stage_one.as_metrics("stage_one")
        return {
            "task": self.task,
            "model": self.model,
            "mode": self.mode,
            "style": self.style,
            "metrics": None if self.scores is None else dict(self.scores.metrics),
            "stage_one": one,
            "hallucination_rate": self.hallucination_rate,
            "usage": dataclasses.asdict(self.usage),
            "notes": dict(sorted(self.notes.items())),
            "texts": len(self.predicted),
            "output": self.output,
            "predictions": found,
        }


@dataclass(frozen=True)
class SystemsResult:
    """Several systems on the same texts under the same rules."""

    task: str
    """What was asked."""

    data: str
    """The file scored on."""

    finetuned: EvaluateResult | None
    """The fine-tuned model's."""

    chat: ChatieResult
    """The chat model's."""

    def tables(self) -> list[tuple[str, Sequence[str], list[tuple[str, ...]]]]:
        """Return the one table: a row a system."""
        shared = SHARED_METRIC[self.task]
        names = [f"{shared}_{part}" for part in ("precision", "recall", "f1")]
        assert self.chat.scores is not None
        others = [n for n in self.chat.scores.metrics if n.endswith("_f1") and n not in names]
        rows = []
        if self.finetuned is not None:
            rows.append(
                _row(Path(self.finetuned.model).name, self.finetuned.scores, [*names, *others], self.finetuned.seconds)
            )
        label = f"{self.chat.model} (ChatIE, {self.chat.mode}, {self.chat.style})"
        rows.append(_row(label, self.chat.scores, [*names, *others], self.chat.usage.seconds))
        return [(f"{self.task} on {self.data}", ["system", *names, *others, "seconds"], rows)]

    def summary(self) -> list[tuple[str, str]]:
        """Return what the table does not say."""
        lines = [("compared by", f"{SHARED_METRIC[self.task]}_f1: strings, not places")]
        if self.finetuned is not None:
            lines.append(("fine-tuned model", self.finetuned.model))
        return [*lines, *self.chat.summary()]

    def as_json(self) -> dict[str, Any]:
        """Return every figure of every system."""
        systems: list[dict[str, Any]] = [] if self.finetuned is None else [self.finetuned.as_json()]
        return {"task": self.task, "data": self.data, "systems": [*systems, self.chat.as_json()]}


def _row(name: str, scores: Scores, metrics: Sequence[str], seconds: float) -> tuple[str, ...]:
    return (name, *(f"{scores.metrics[metric]:.4f}" for metric in metrics), f"{seconds:,.1f}")


def _told(example: Example) -> str:
    entities = example.entities or ()
    if example.relations is not None:
        parts = [
            f"({example.slice(entities[r.subject])}, {r.predicate}, {example.slice(entities[r.object])})"
            for r in example.relations
        ]
    elif example.events is not None:
        parts = [
            f"{event.type}: " + ", ".join(f"{a.role} {example.slice(a)}" for a in event.arguments)
            for event in example.events
        ]
    else:
        parts = [f"{example.slice(entity)}/{entity.type}" for entity in entities]
    return "; ".join(dict.fromkeys(parts)) or "-"
