"""A model of ours on a transformers encoder, stored as that encoder with its head in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from corpus.errors import UserError
from macbert.finetuning.encoder import load_config, load_pretrained, seeded

HEADS_NAME = "heads.safetensors"


class HeadOutput(NamedTuple):
    """What a model of ours returns; Trainer takes the first."""

    loss: torch.Tensor | None
    """Scalar, with labels."""

    scores: Any
    """Of the head, float32."""


class EncoderWithHead(nn.Module):
    """Base of our models: ``encoder`` is transformers', everything else is a head."""

    encoder: Any

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(getattr(encoder.config, "hidden_dropout_prob", 0.1))

    def hidden(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        """Return the last layer: (B, L, D)."""
        inputs: dict[str, torch.Tensor] = {"input_ids": input_ids, "attention_mask": attention_mask}
        if getattr(self.encoder.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = token_type_ids
        return self.dropout(self.encoder(**inputs).last_hidden_state)

    def head_state(self) -> dict[str, torch.Tensor]:
        """Return the weights that are not the encoder's."""
        state = self.state_dict().items()
        return {name: value.contiguous() for name, value in state if not name.startswith("encoder.")}


def bare_encoder(folder: str, *, init: str, seed: int) -> Any:
    """Return the folder's encoder without any head (and without BERT's pooler, which no head of ours reads)."""
    from transformers import AutoModel

    config = load_config(folder)
    options = {"add_pooling_layer": False} if config.model_type == "bert" else {}
    return load_pretrained(AutoModel, folder, config, init=init, seed=seed, **options)


def with_new_head(build: Any, encoder: Any, seed: int) -> nn.Module:
    """Return ``build(encoder)`` with its head drawn from ``seed``: normal weights as BERT's, biases 0."""
    with seeded(seed):
        model = build(encoder)
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and not name.startswith("encoder."):
                nn.init.normal_(module.weight, std=getattr(encoder.config, "initializer_range", 0.02))
                nn.init.zeros_(module.bias)
    return model


def save_with_head(model: EncoderWithHead, folder: Path) -> None:
    """Write the encoder for ``AutoModel`` and the head to ``heads.safetensors``."""
    model.encoder.save_pretrained(folder)
    save_file(model.head_state(), folder / HEADS_NAME)


def load_head(model: nn.Module, folder: str) -> None:
    """Fill a model's head from ``heads.safetensors``.

    Raises:
        UserError: no such file, or of another shape.
    """
    path = Path(folder) / HEADS_NAME
    try:
        state = load_file(path)
        missing, unexpected = model.load_state_dict(state, strict=False)
        lacking = [name for name in missing if not name.startswith(("encoder.", "classifier_model."))]
        if lacking or unexpected:
            raise RuntimeError(f"missing {lacking}, unexpected {unexpected}")
    except (OSError, RuntimeError, SafetensorError) as error:
        found = str(error).strip().splitlines()[0]
        raise UserError.at(path, expected="the head's weights", found=found, fix="restore the file") from None
