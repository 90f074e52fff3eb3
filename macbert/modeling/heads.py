"""BERT with MacBERT's two pretraining heads, each computed only where there is something to predict."""

# B = batch, L = tokens of a row, D = hidden, K = chosen tokens of a row, P = pieces of a row, V = vocabulary

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import BertForPreTraining
from transformers.models.bert.modeling_bert import BertForPreTrainingOutput
from transformers.utils import ModelOutput

from macbert.modeling.attention import piece_attention_mask, piece_lengths
from macbert.modeling.layers import PieceBertLayer

IGNORED = -100
WEIGHTS_NAME = "model.safetensors"


@dataclass
class MacBertOutput(ModelOutput):
    """Sums, not means: a step's loss is a mean over its global batch, however the batch was cut."""

    loss: torch.Tensor | None = None
    """() mean MLM loss over chosen tokens plus mean SOP loss over labelled pieces, of this call's rows."""

    mlm_loss_sum: torch.Tensor | None = None
    """() float32 sum of cross entropies over chosen tokens."""

    mlm_count: torch.Tensor | None = None
    """() int64 chosen tokens."""

    sop_loss_sum: torch.Tensor | None = None
    """() float32 sum of cross entropies over pieces with an order label."""

    sop_count: torch.Tensor | None = None
    """() int64 pieces with an order label."""

    masked_logits: torch.Tensor | None = None
    """(batch, chosen, vocabulary), only with ``return_logits``."""

    sop_logits: torch.Tensor | None = None
    """(batch, pieces, 2), only with ``return_logits``."""


class MacBertForPreTraining(BertForPreTraining):
    """BERT with masked-token and sentence-order heads; weights and their names are ``BertForPreTraining``'s.

    With ``masked_positions`` the last layer and the heads work only at gathered positions: of fixed number, so that
    shapes never change, and the vocabulary's logits are made for 15 % of the tokens instead of all. Without, it is
    ``BertForPreTraining``.

    >>> from macbert.modeling import model_config
    >>> model = MacBertForPreTraining(model_config("tiny", vocab_size=21128))
    >>> row = torch.tensor([[101, 3209, 3209, 102]])  # [CLS] 明 明 [SEP]
    >>> out = model(row, masked_positions=torch.tensor([[2]]), masked_labels=torch.tensor([[1921]]))  # 天
    >>> tuple(out.masked_logits.shape)
    (1, 1, 21128)
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        # The same weights by the same names; only their forward pass can do less.
        for layer in self.bert.encoder.layer:
            layer.__class__ = PieceBertLayer

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        piece_ids: torch.Tensor | None = None,
        masked_positions: torch.Tensor | None = None,
        masked_labels: torch.Tensor | None = None,
        cls_positions: torch.Tensor | None = None,
        sop_labels: torch.Tensor | None = None,
        return_logits: bool = True,
        **kwargs: Any,
    ) -> MacBertOutput | BertForPreTrainingOutput | tuple[torch.Tensor, ...]:
        """Encode rows and score the chosen tokens and the sentence orders.

        Args:
            input_ids, token_type_ids, position_ids: (B, L) int64; positions restart at each piece.
            attention_mask: (B, L), 1 for real tokens; not needed with ``piece_ids``.
            piece_ids: (B, L) int64, 0 = padding, 1.. = piece of the row; attention stays inside a piece.
            masked_positions: (B, K) int64 positions whose tokens are predicted; unused slots hold any valid position.
            masked_labels: (B, K) int64 original tokens, -100 in unused slots.
            cls_positions: (B, P) int64 position of each piece's [CLS]; default: one, at 0.
            sop_labels: (B, P) int64, 0 = original order, 1 = swapped, -100 = none.
            return_logits: whether to return ``masked_logits`` and ``sop_logits``.
            kwargs: what ``BertForPreTraining`` takes besides, without ``masked_positions``.
        """
        if piece_ids is not None:
            attention_mask = piece_attention_mask(piece_ids)
        if masked_positions is None:
            return super().forward(input_ids, attention_mask, token_type_ids, position_ids=position_ids, **kwargs)
        assert input_ids is not None
        if cls_positions is None:
            cls_positions = masked_positions.new_zeros(input_ids.shape[0], 1)
        hidden_BLD = self.bert.embeddings(input_ids, token_type_ids=token_type_ids, position_ids=position_ids)
        lengths = None
        if piece_ids is not None and piece_ids.device.type == "cpu" and not torch.compiler.is_compiling():
            lengths = piece_lengths(piece_ids)
        positions = torch.cat([masked_positions, cls_positions], 1)
        states_BND = self._encode(hidden_BLD, attention_mask, positions, lengths)
        chosen_BKD, cls_BPD = states_BND.split([masked_positions.shape[1], cls_positions.shape[1]], 1)
        masked_logits_BKV = self.cls.predictions(chosen_BKD)
        # The pooler reads the first token of a sequence: each [CLS] is a sequence of one.
        pooler = self.bert.pooler
        assert pooler is not None
        pooled_BPD = pooler(cls_BPD.flatten(0, 1)[:, None]).view_as(cls_BPD)
        sop_logits_BP2 = self.cls.seq_relationship(pooled_BPD)
        return score_heads(masked_logits_BKV, masked_labels, sop_logits_BP2, sop_labels, return_logits=return_logits)

    def _encode(
        self,
        hidden_BLD: torch.Tensor,
        attention_mask: torch.Tensor | None,
        positions: torch.Tensor,
        lengths: list[int] | None,
    ) -> torch.Tensor:
        """Return the last states (B, N, D) at ``positions`` (B, N)."""
        if attention_mask is not None:
            # Additive, once for all layers: sdpa would make it anew of a boolean one in each.
            seen = attention_mask if attention_mask.ndim == 4 else attention_mask[:, None, None, :]
            attention_mask = torch.zeros_like(seen, dtype=hidden_BLD.dtype).masked_fill_(seen == 0, -math.inf)
        *layers, last = self.bert.encoder.layer
        for layer in layers:
            hidden_BLD = layer(hidden_BLD, attention_mask, piece_lengths=lengths)
        return last(hidden_BLD, attention_mask, positions=positions)

    def save_pretrained(self, save_directory: str | os.PathLike[Any], *args: Any, **kwargs: Any) -> None:
        """Save so that plain ``transformers`` finds its own class: ``architectures`` is ``BertForPreTraining``."""
        super().save_pretrained(save_directory, *args, **kwargs)
        self.config.architectures = [BertForPreTraining.__name__]
        self.config.save_pretrained(save_directory)

    def read_weights(self, folder: str | os.PathLike[Any]) -> dict[str, torch.Tensor]:
        """Return the tensors that :meth:`save_pretrained` wrote, by name; tied ones once."""
        return load_file(Path(folder) / WEIGHTS_NAME)


def score_heads(
    masked_logits: torch.Tensor,
    masked_labels: torch.Tensor | None,
    sop_logits: torch.Tensor,
    sop_labels: torch.Tensor | None,
    *,
    return_logits: bool,
) -> MacBertOutput:
    """Return both losses of logits (B, K, V) and (B, P, 2) against labels (B, K) and (B, P)."""
    output = MacBertOutput()
    output.mlm_loss_sum, output.mlm_count = _loss_sum(masked_logits, masked_labels)
    output.sop_loss_sum, output.sop_count = _loss_sum(sop_logits, sop_labels)
    if masked_labels is not None:
        output.loss = output.mlm_loss_sum / output.mlm_count.clamp(min=1)
        if sop_labels is not None:
            output.loss = output.loss + output.sop_loss_sum / output.sop_count.clamp(min=1)
    if return_logits:
        output.masked_logits, output.sop_logits = masked_logits, sop_logits
    return output


def _loss_sum(logits: torch.Tensor, labels: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the sum of cross entropies where a label stands, in float32, and how many there are."""
    if labels is None:
        # Zero, but a function of the logits: every parameter has a gradient on every process.
        return logits.float().sum() * 0.0, torch.zeros((), dtype=torch.int64, device=logits.device)
    flat = logits.flatten(0, -2).float()
    loss = nn.functional.cross_entropy(flat, labels.flatten(), ignore_index=IGNORED, reduction="sum")
    return loss, (labels != IGNORED).sum()
