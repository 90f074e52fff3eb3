"""Any masked-language model of transformers with a sentence-order head: EuroBERT (the LLaMA recipe) and its kind."""

# B = batch, L = tokens of a row, D = hidden, K = chosen tokens of a row, P = pieces of a row, V = vocabulary

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from corpus.errors import UserError
from macbert.modeling.attention import piece_attention_mask
from macbert.modeling.heads import WEIGHTS_NAME, MacBertOutput, score_heads
from macbert.modeling.layers import gather_positions

HEADS_NAME = "heads.safetensors"

# EuroBERT, RoBERTa, XLM-R, MPNet; BERT's heirs such as RoFormer and ERNIE; ModernBERT; ALBERT.
_HEADS = (("lm_head",), ("cls",), ("head", "decoder"), ("predictions",))


class SentenceOrderHead(nn.Module):
    """What BERT's pooler and next-sentence classifier are: dense, tanh, two scores."""

    def __init__(self, hidden_size: int, initializer_range: float = 0.02) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.classifier = nn.Linear(hidden_size, 2)
        for layer in (self.dense, self.classifier):
            nn.init.normal_(layer.weight, std=initializer_range)
            nn.init.zeros_(layer.bias)

    def forward(self, cls_BPD: torch.Tensor) -> torch.Tensor:
        """Return the scores (B, P, 2) of original and swapped order."""
        return self.classifier(torch.tanh(self.dense(cls_BPD)))


class MacEncoderForPreTraining(nn.Module):
    """An ``AutoModelForMaskedLM`` whose head sees only chosen positions, beside a sentence-order head.

    ``save_pretrained`` writes what transformers' own class loads with every key used, and the head that it lacks to
    ``heads.safetensors``. A model is taken only if it passes two trials on made-up tokens: its head at gathered
    positions gives the logits of its own forward pass, and a packed piece is encoded as if it were alone.

    Args:
        masked_lm: a model with a masked-token head, such as ``EuroBertForMaskedLM``.

    Raises:
        UserError: the model fails a trial; training on packed rows would be wrong without a word.

    >>> from transformers import EuroBertForMaskedLM
    >>> from macbert.modeling import model_config
    >>> model = MacEncoderForPreTraining(EuroBertForMaskedLM(model_config("tiny", 21128, encoder="eurobert")))
    >>> row = torch.tensor([[101, 3209, 3209, 102]])  # [CLS] 明 明 [SEP]
    >>> out = model(row, masked_positions=torch.tensor([[2]]), masked_labels=torch.tensor([[1921]]))  # 天
    >>> tuple(out.masked_logits.shape)
    (1, 1, 21128)
    """

    def __init__(self, masked_lm: Any) -> None:
        super().__init__()
        self.masked_lm = masked_lm
        self.config = masked_lm.config
        self.sentence_order = SentenceOrderHead(
            self.config.hidden_size, getattr(self.config, "initializer_range", None) or 0.02
        )
        accepted = inspect.signature(masked_lm.base_model.forward).parameters
        self._takes_types = "token_type_ids" in accepted and (getattr(self.config, "type_vocab_size", 0) or 0) >= 2
        self._takes_positions = "position_ids" in accepted
        self.position_offset = 0
        """What this family adds to positions: RoBERTa's begin after the id of padding."""
        self._head_names = _head_names(masked_lm)
        self._try()

    @property
    def all_tied_weights_keys(self) -> Mapping[str, str]:
        """Names of weights that are another weight, as in this model's state."""
        tied: Mapping[str, str] = self.masked_lm.all_tied_weights_keys
        return {f"masked_lm.{name}": f"masked_lm.{other}" for name, other in tied.items()}

    def tie_weights(self) -> None:
        """Tie what the model ties, after its weights were set."""
        self.masked_lm.tie_weights()

    def forward(
        self,
        input_ids: torch.Tensor,
        masked_positions: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        piece_ids: torch.Tensor | None = None,
        masked_labels: torch.Tensor | None = None,
        cls_positions: torch.Tensor | None = None,
        sop_labels: torch.Tensor | None = None,
        return_logits: bool = True,
    ) -> MacBertOutput:
        """Encode rows and score the chosen tokens and the sentence orders.

        The arguments are those of :meth:`macbert.modeling.MacBertForPreTraining.forward`; ``token_type_ids`` are left
        out where the encoder has none (EuroBERT).
        """
        if piece_ids is not None:
            attention_mask = piece_attention_mask(piece_ids)
        more: dict[str, Any] = {}
        if self._takes_types and token_type_ids is not None:
            more["token_type_ids"] = token_type_ids
        if self._takes_positions and position_ids is not None:
            more["position_ids"] = position_ids + self.position_offset
        hidden_BLD = self.masked_lm.base_model(input_ids, attention_mask=attention_mask, **more)[0]
        masked_logits_BKV = gather_positions(hidden_BLD, masked_positions)
        for name in self._head_names:
            masked_logits_BKV = getattr(self.masked_lm, name)(masked_logits_BKV)
        if cls_positions is None:
            cls_positions = masked_positions.new_zeros(hidden_BLD.shape[0], 1)
        sop_logits_BP2 = self.sentence_order(gather_positions(hidden_BLD, cls_positions))
        return score_heads(masked_logits_BKV, masked_labels, sop_logits_BP2, sop_labels, return_logits=return_logits)

    def save_pretrained(
        self, save_directory: str | os.PathLike[Any], *, state_dict: Mapping[str, torch.Tensor] | None = None
    ) -> None:
        """Write the model as transformers does, and ``heads.safetensors`` beside.

        Args:
            save_directory: the folder.
            state_dict: all weights by this model's names, where it holds only a part of each itself.
        """
        weights = self.state_dict() if state_dict is None else state_dict
        prefix = "masked_lm."
        inner = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        self.masked_lm.save_pretrained(save_directory, state_dict=inner)
        heads = {name: value.cpu().contiguous() for name, value in weights.items() if not name.startswith(prefix)}
        save_file(heads, Path(save_directory) / HEADS_NAME)

    def read_weights(self, folder: str | os.PathLike[Any]) -> dict[str, torch.Tensor]:
        """Return the tensors that :meth:`save_pretrained` wrote, by this model's names; tied ones once."""
        weights = load_file(Path(folder) / WEIGHTS_NAME)
        return {f"masked_lm.{name}": value for name, value in weights.items()} | load_file(Path(folder) / HEADS_NAME)

    @torch.no_grad()
    def _try(self) -> None:
        """Find the offset of positions, and refuse a model whose pieces see each other."""
        was_training = self.masked_lm.training
        self.eval()
        try:
            first = self.config.vocab_size // 2
            row = torch.arange(first, first + 8)[None] % self.config.vocab_size
            everywhere, alone = torch.arange(8)[None], torch.ones(1, 8, dtype=torch.int64)
            expected = self.masked_lm(row).logits
            padding = getattr(self.config, "pad_token_id", None) or 0
            for offset in (0, padding + 1):
                self.position_offset = offset
                try:
                    found = self(row, everywhere, position_ids=everywhere, piece_ids=alone).masked_logits
                except (IndexError, TypeError, ValueError, RuntimeError):
                    continue
                if torch.allclose(found, expected, atol=1e-4):
                    break
            else:
                self._refuse("logits at gathered positions like its own", "others")
            pieces = torch.tensor([[1, 1, 1, 1, 2, 2, 2, 2]])
            packed = self(row, everywhere, position_ids=everywhere % 4, piece_ids=pieces).masked_logits
            changed = torch.cat([row[:, :4], row[:, 4:].flip(1)], 1)
            other = self(changed, everywhere, position_ids=everywhere % 4, piece_ids=pieces).masked_logits
            single = self(row[:, 4:], everywhere[:, :4], position_ids=everywhere[:, :4]).masked_logits
            if not torch.equal(packed[:, :4], other[:, :4]) or not torch.allclose(packed[:, 4:], single, atol=1e-4):
                self._refuse("attention that stays inside a piece of a packed row", "pieces that see each other")
        finally:
            self.train(was_training)

    def _refuse(self, expected: str, found: str) -> None:
        fix = "choose another encoder, such as bert or eurobert"
        raise UserError.at(f"--model: {type(self.masked_lm).__name__}", expected=expected, found=found, fix=fix)


def _head_names(model: Any) -> tuple[str, ...]:
    """Return the modules from hidden states to the vocabulary's logits, by the names that transformers gives them.

    Raises:
        UserError: none of them.
    """
    for names in _HEADS:
        if all(hasattr(model, name) for name in names):
            return names
    expected = "a masked-token head called " + ", ".join(" + ".join(names) for names in _HEADS)
    fix = "choose another encoder, such as bert or eurobert"
    raise UserError.at("--model", expected=expected, found=type(model).__name__, fix=fix)
