"""Names by pointers (EfficientGlobalPointer): flat, nested or overlapping ones alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from macbert.annotations import Entity, Example
from macbert.finetuning.bio import Alignment, token_spans
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder_with_head import (
    EncoderWithHead,
    HeadOutput,
    bare_encoder,
    load_head,
    save_with_head,
    with_new_head,
)
from macbert.finetuning.forward import Progress, run_windows
from macbert.finetuning.heads.pointer import PointerHead, text_positions
from macbert.finetuning.heads.sparse_loss import IGNORED, sparse_multilabel_loss
from macbert.finetuning.tasks.base import Feature, Task, unlabelled
from macbert.finetuning.tasks.token_labels import entity_types
from macbert.finetuning.windows import Window, judge, text_windows, tokenize, windows_by_example
from macbert.metrics import Scores, score_entities
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self

Places = NDArray[np.int64]


class PointerModel(EncoderWithHead):
    """An encoder with one pointer head."""

    def __init__(self, encoder: Any, labels: int) -> None:
        super().__init__(encoder)
        self.pointer = PointerHead(encoder.config.hidden_size, labels)

    def forward(
        self,
        input_ids: torch.Tensor,
        token_type_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: torch.Tensor | None = None,
    ) -> HeadOutput:
        """Return the loss (summed over labels, mean over rows), and scores (B, H, L, L)."""
        hidden = self.hidden(input_ids, token_type_ids, attention_mask)
        scores = self.pointer(hidden, text_positions(attention_mask))
        loss = None if labels is None else sparse_multilabel_loss(scores.flatten(2), labels).sum(-1).mean()
        return HeadOutput(loss, scores)


class PointerNames(Task):
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
        labels = entity_types(train, dev, config.train)
        return cls(tokenizer, labels, max_length=config.max_length, stride=config.stride, options={"head": "pointer"})

    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        encoder = bare_encoder(folder, init=init, seed=seed)
        return with_new_head(lambda e: PointerModel(e, len(self.labels)), encoder, seed)

    def save_model(self, model: nn.Module, folder: Path) -> None:
        assert isinstance(model, EncoderWithHead)
        save_with_head(model, folder)

    def load_model(self, folder: str) -> nn.Module:
        model = PointerModel(bare_encoder(folder, init="pretrained", seed=0), len(self.labels))
        load_head(model, folder)
        return model.eval()

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
            places = {(kind, first + shift, last + shift) for first, last, kind in inside}
            features.append(
                {
                    "input_ids": window.input_ids,
                    "token_type_ids": window.token_type_ids,
                    "labels": np.array(sorted(places), np.int64).reshape(-1, 3),
                }
            )
        unique = sum(len(set(own)) for own in spans)
        self.notes = {**alignment.notes(), "entities_longer_than_a_window": unique - len(held)}
        return features

    def collate(self, features: Sequence[Feature]) -> dict[str, torch.Tensor]:
        inputs = self.inputs(features)
        length = inputs["input_ids"].shape[1]
        rows = [feature["labels"] for feature in features]
        return {**inputs, "labels": sparse_labels(rows, len(self.labels), length)}

    def predict(
        self, model: nn.Module, examples: Sequence[Example], max_batch_tokens: int, progress: Progress | None = None
    ) -> list[Example]:
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        windows = text_windows(self.tokenizer, tokens, self.max_length, self.stride)

        def decode(output: HeadOutput, batch: list[Window], inputs: Any) -> list[list[tuple[int, int, int, float]]]:
            return found_spans(output.scores, batch)

        found = run_windows(
            model,
            windows,
            decode,
            pad_id=self.tokenizer.pad_id,
            max_batch_tokens=max_batch_tokens,
            progress=progress,
            label="extract",
        )
        predicted = []
        for example, item, group in zip(examples, tokens, windows_by_example(windows, len(examples)), strict=True):
            spans = judged_spans([windows[n] for n in group], [found[n] for n in group])
            entities = (
                Entity(*item.characters(first, last), self.labels[kind], score) for first, last, kind, score in spans
            )
            predicted.append(unlabelled(example, entities=tuple(sorted(entities, key=lambda e: e.key))))
        return predicted

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        return score_entities(gold, predicted)


def sparse_labels(rows: Sequence[Places], heads: int, length: int) -> torch.Tensor:
    """Return (B, H, K) places ``i * length + j`` of the right pairs, from each row's (label, i, j)."""
    counts = [np.bincount(row[:, 0], minlength=heads) for row in rows]
    labels = np.full((len(rows), heads, max(1, max(int(count.max()) for count in counts))), IGNORED, np.int64)
    for number, row in enumerate(rows):
        used = np.zeros(heads, np.int64)
        for head, first, last in row:
            labels[number, head, used[head]] = first * length + last
            used[head] += 1
    return torch.from_numpy(labels)


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
