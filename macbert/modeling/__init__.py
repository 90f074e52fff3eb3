"""The encoder and its two pretraining heads: transformers' models inside, logits only where a token was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.modeling.attention import piece_attention_mask
    from macbert.modeling.encoder import MacEncoderForPreTraining
    from macbert.modeling.heads import MacBertForPreTraining, MacBertOutput
    from macbert.modeling.loading import LoadedModel, build_model, load_model, set_dropout
    from macbert.modeling.presets import ENCODERS, PRESETS, model_config

__all__ = [
    "ENCODERS",
    "PRESETS",
    "LoadedModel",
    "MacBertForPreTraining",
    "MacBertOutput",
    "MacEncoderForPreTraining",
    "build_model",
    "load_model",
    "model_config",
    "piece_attention_mask",
    "set_dropout",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ENCODERS": "presets",
        "PRESETS": "presets",
        "LoadedModel": "loading",
        "MacBertForPreTraining": "heads",
        "MacBertOutput": "heads",
        "MacEncoderForPreTraining": "encoder",
        "build_model": "loading",
        "load_model": "loading",
        "model_config": "presets",
        "piece_attention_mask": "attention",
        "set_dropout": "loading",
    },
)
