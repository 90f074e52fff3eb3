"""What the tasks over spans share: an encoder with pointer heads, and labels as token pairs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from macbert.finetuning.encoder_with_head import (
    EncoderWithHead,
    HeadOutput,
    bare_encoder,
    load_head,
    save_with_head,
    with_new_head,
)
from macbert.finetuning.heads import sparse_multilabel_loss
from macbert.finetuning.heads.pointer import PointerHead, text_positions
from macbert.finetuning.heads.sparse_loss import IGNORED
from macbert.finetuning.tasks.base import Feature
from macbert.finetuning.tasks.window_task import WindowTask
from macbert.finetuning.windows import Window

Places = NDArray[np.int64]


class SpanModel(EncoderWithHead):
    """An encoder with pointer heads, all on the same hidden states."""

    @property
    @abstractmethod
    def pointers(self) -> tuple[PointerHead, ...]:
        """The heads, in the order of the labels."""

    def forward(
        self,
        input_ids: torch.Tensor,
        token_type_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        labels: tuple[torch.Tensor, ...] | None = None,
    ) -> HeadOutput:
        """Return the loss (each head's summed over its labels, mean over rows) and each head's scores (B, H, L, L)."""
        hidden = self.hidden(input_ids, token_type_ids, attention_mask)
        valid = text_positions(attention_mask)
        scores = tuple(head(hidden, valid) for head in self.pointers)
        loss = None
        if labels is not None:
            parts = [sparse_multilabel_loss(s.flatten(2), y).sum(-1) for s, y in zip(scores, labels, strict=True)]
            loss = torch.stack(parts).sum(0).mean()
        return HeadOutput(loss, scores)


class SpanTask(WindowTask):
    """A task whose answers are read from :class:`SpanModel`; a subclass says which labels its heads have."""

    @property
    @abstractmethod
    def head_labels(self) -> tuple[int, ...]:
        """Labels of each head."""

    @abstractmethod
    def new_model(self, encoder: Any) -> SpanModel:
        """Return the model on an encoder."""

    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        return with_new_head(self.new_model, bare_encoder(folder, init=init, seed=seed), seed)

    def save_model(self, model: nn.Module, folder: Path) -> None:
        assert isinstance(model, EncoderWithHead)
        save_with_head(model, folder)

    def load_model(self, folder: str) -> nn.Module:
        model = self.new_model(bare_encoder(folder, init="pretrained", seed=0))
        load_head(model, folder)
        return model.eval()

    def feature(self, window: Window, *places: set[tuple[int, int, int]]) -> Feature:
        """Return a row to learn from, with each head's right (label, first token, last token) in the row."""
        rows = [np.array(sorted(part), np.int64).reshape(-1, 3) for part in places]
        return {"input_ids": window.input_ids, "token_type_ids": window.token_type_ids, "labels": rows}

    def collate(self, features: Sequence[Feature]) -> dict[str, Any]:
        inputs = self.inputs(features)
        length = inputs["input_ids"].shape[1]
        parts = zip(*(feature["labels"] for feature in features), strict=True)
        labels = tuple(sparse_labels(part, size, length) for part, size in zip(parts, self.head_labels, strict=True))
        return {**inputs, "labels": labels}


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
