"""Names by pointers (EfficientGlobalPointer): flat, nested or overlapping ones alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from macbert.annotations import Entity, Example
from macbert.finetuning.bio import Alignment, token_spans
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder_with_head import HeadOutput
from macbert.finetuning.heads.pointer import PointerHead
from macbert.finetuning.tasks.base import Feature, unlabelled
from macbert.finetuning.tasks.span_task import SpanModel, SpanTask
from macbert.finetuning.tasks.token_labels import entity_types
from macbert.finetuning.windows import Tokens, Window, judge, text_windows, tokenize
from macbert.metrics import Scores, score_entities
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self


class PointerModel(SpanModel):
    """An encoder with one pointer head."""

    def __init__(self, encoder: Any, labels: int) -> None:
        super().__init__(encoder)
        self.pointer = PointerHead(encoder.config.hidden_size, labels)

    @property
    def pointers(self) -> tuple[PointerHead, ...]:
        return (self.pointer,)


class PointerNames(SpanTask):
    """One score a span and type; found where it is above 0.

    In a long text a span is judged by the window in which it lies farthest from an edge. A name longer than a window
    cannot be found.
    """

    name = "ner"
    requires = "entities"

    @classmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        labels = entity_types(train, dev, config)
        return cls(tokenizer, labels, max_length=config.max_length, stride=config.stride, options={"head": "pointer"})

    @property
    def head_labels(self) -> tuple[int, ...]:
        return (len(self.labels),)

    def new_model(self, encoder: Any) -> SpanModel:
        return PointerModel(encoder, len(self.labels))

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        numbers = {label: number for number, label in enumerate(self.labels)}
        alignment = Alignment()
        spans = [
            [(first, last, numbers[kind]) for first, last, kind, _ in token_spans(item, e.entities or (), alignment)]
            for item, e in zip(tokens, examples, strict=True)
        ]
        windows = text_windows(self.tokenizer, tokens, self.max_length, self.stride)
        features, held = [], set()
        for window in windows:
            inside = [s for s in spans[window.example] if window.start <= s[0] and s[1] < window.stop]
            held |= {(window.example, *span) for span in inside}
            shift = window.prefix - window.start
            features.append(self.feature(window, {(kind, first + shift, last + shift) for first, last, kind in inside}))
        unique = sum(len(set(own)) for own in spans)
        self.notes = {**alignment.notes(), "entities_longer_than_a_window": unique - len(held)}
        return features

    def found(
        self, output: HeadOutput, batch: Sequence[Window], inputs: Any
    ) -> list[list[tuple[int, int, int, float]]]:
        return found_spans(output.scores[0], batch)

    def assembled(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Example:
        spans = judged_spans(windows, found)
        entities = (Entity(*tokens.characters(a, b), self.labels[kind], score) for a, b, kind, score in spans)
        return unlabelled(example, entities=tuple(sorted(entities, key=lambda e: e.key)))

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        return score_entities(gold, predicted)


def found_spans(scores: torch.Tensor, batch: Sequence[Window]) -> list[list[tuple[int, int, int, float]]]:
    """Return for each window its (first token, last token, label number, confidence) with scores above 0.

    Tokens are numbered in the whole text.
    """
    places = (scores > 0).nonzero()
    confidences = scores[tuple(places.T)].sigmoid().tolist()
    spans: list[list[tuple[int, int, int, float]]] = [[] for _ in batch]
    for (row, label, first, last), confidence in zip(places.tolist(), confidences, strict=True):
        shift = batch[row].start - batch[row].prefix
        spans[row].append((first + shift, last + shift, label, confidence))
    return spans


def judged_spans(
    windows: Sequence[Window], found: Sequence[Sequence[tuple[int, int, int, float]]]
) -> list[tuple[int, int, int, float]]:
    """Return the spans of a text, each as the window sees it in which it lies farthest from an edge."""
    if len(windows) == 1:
        return list(found[0])
    return [span for number, own in enumerate(found) for span in own if judge(span[0], span[1], windows) == number]
