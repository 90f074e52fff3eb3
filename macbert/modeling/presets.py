"""Sizes of encoders by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpus.errors import UserError

if TYPE_CHECKING:
    from transformers import BertConfig

PRESETS: dict[str, tuple[int, int]] = {
    "tiny": (2, 128),
    "mini": (4, 256),
    "small": (4, 512),
    "base": (12, 768),
    "large": (24, 1024),
}
"""Layers and hidden size; heads are 64 wide and the feed-forward is four times the hidden size, as in BERT."""


def model_config(preset: str, vocab_size: int, **overrides: Any) -> BertConfig:
    """Return the configuration of a BERT encoder of a known size.

    Args:
        preset: ``tiny``, ``mini``, ``small``, ``base`` or ``large``.
        vocab_size: entries of the vocabulary.
        overrides: any field of ``transformers.BertConfig``; names as there.

    Raises:
        UserError: no preset of that name.

    >>> model_config("tiny", 21128).hidden_size
    128
    """
    from transformers import BertConfig

    if preset not in PRESETS:
        raise UserError.at("--model", expected=f"one of {', '.join(PRESETS)}", found=preset, fix="choose a preset")
    layers, hidden = PRESETS[preset]
    settings: dict[str, Any] = {
        "vocab_size": vocab_size,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": hidden // 64,
        "intermediate_size": 4 * hidden,
    }
    return BertConfig(**{**settings, **overrides})
