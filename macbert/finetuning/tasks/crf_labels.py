"""Names by token labels under a CRF: impossible sequences of labels are never predicted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from macbert.finetuning.bio import bio_labels
from macbert.finetuning.encoder_with_head import HEADS_NAME, HeadOutput, load_head
from macbert.finetuning.heads.crf import CRF, bio_steps
from macbert.finetuning.tasks.base import IGNORED
from macbert.finetuning.tasks.token_labels import TokenLabels
from macbert.finetuning.windows import Window


class CrfTagger(nn.Module):
    """transformers' token classifier with a CRF over its logits."""

    def __init__(self, classifier_model: Any, crf: CRF) -> None:
        super().__init__()
        self.classifier_model = classifier_model
        self.crf = crf

    @property
    def base_model(self) -> Any:
        """The encoder, for its own learning rate."""
        return self.classifier_model.base_model

    def forward(self, labels: torch.Tensor | None = None, **inputs: torch.Tensor) -> HeadOutput:
        """Return the mean loss a token, and the logits (B, L, Y)."""
        logits = self.classifier_model(**inputs).logits
        loss = None
        if labels is not None:
            # Rows are [CLS] text [SEP]: the text begins at 1, and every token of it has a label.
            lengths = (labels != IGNORED).sum(-1)
            kept = lengths > 0
            text_labels = labels[kept, 1:].clamp(min=0)
            loss = self.crf(logits[kept, 1:], text_labels, lengths[kept]).sum() / lengths.sum().clamp(min=1)
        return HeadOutput(loss, logits)


class CrfLabels(TokenLabels):
    """BIO labels, the best legal sequence of a whole text (its windows joined before the search).

    The folder also loads in transformers' pipeline, which then ignores the CRF (``heads.safetensors``).
    """

    head = "crf"
    _crf: Any = None

    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        return self._with_crf(super().build_model(folder, init=init, seed=seed))

    def save_model(self, model: nn.Module, folder: Path) -> None:
        model.classifier_model.save_pretrained(folder)  # type: ignore[union-attr, operator]
        crf = model.crf
        assert isinstance(crf, CRF)
        save_file({f"crf.{name}": value.contiguous() for name, value in crf.state_dict().items()}, folder / HEADS_NAME)

    def load_model(self, folder: str) -> nn.Module:
        model = self._with_crf(super().load_model(folder))
        load_head(model, folder)
        return model.eval()

    def predict(self, model: nn.Module, *arguments: Any, **more: Any) -> Any:
        # Decoding needs the transitions of the model that gave the logits.
        self._crf = model.crf
        return super().predict(model, *arguments, **more)

    def found(self, output: Any, batch: Sequence[Window], inputs: Any) -> list[tuple[np.ndarray, ...]]:
        logits = output.scores.float().cpu().numpy()
        return [(logits[row, window.prefix : len(window) - 1].copy(),) for row, window in enumerate(batch)]

    def best_labels(self, joined: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        logits = joined[0]
        labels = self._crf.decode(logits)
        likely = np.exp(logits - logits.max(-1, keepdims=True))
        return labels, (likely / likely.sum(-1, keepdims=True))[np.arange(len(labels)), labels]

    def _with_crf(self, classifier_model: nn.Module) -> CrfTagger:
        return CrfTagger(classifier_model, CRF(*bio_steps(bio_labels(self.labels))))
