"""The encoder and its two pretraining heads: transformers' models inside, logits only where a token was chosen."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.modeling.attention import piece_attention_mask
    from macbert.modeling.encoder import MacEncoderForPreTraining
    from macbert.modeling.heads import MacBertForPreTraining, MacBertOutput
    from macbert.modeling.loading import LoadedModel, build_model, load_model, set_dropout
    from macbert.modeling.presets import ENCODERS, PRESETS, model_config

_HOME = {
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
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
