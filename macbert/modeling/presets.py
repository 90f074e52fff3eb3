"""Sizes of encoders by name."""

from __future__ import annotations

import re
from typing import Any

from corpus.errors import UserError

PRESETS: dict[str, tuple[int, int]] = {
    "tiny": (2, 128),
    "mini": (4, 256),
    "small": (4, 512),
    "base": (12, 768),
    "large": (24, 1024),
}
"""Layers and hidden size; heads are 64 wide and BERT's feed-forward is four times the hidden size."""


ENCODERS = ("bert", "eurobert")

_SHAPE = re.compile(r"([1-9]\d*)x([1-9]\d*)")


def read_shape(name: str) -> tuple[int, int] | None:
    """Return layers and hidden size of a preset, or of LAYERSxHIDDEN with a hidden size that 64-wide heads divide.

    >>> read_shape("mini"), read_shape("2x192"), read_shape("2x100")
    ((4, 256), (2, 192), None)
    """
    if name in PRESETS:
        return PRESETS[name]
    match = _SHAPE.fullmatch(name)
    return (int(match[1]), int(match[2])) if match and int(match[2]) % 64 == 0 else None


def model_config(preset: str, vocab_size: int, *, encoder: str = "bert", **overrides: Any) -> Any:
    """Return the configuration of an encoder of a known size.

    Args:
        preset: ``tiny``, ``mini``, ``small``, ``base`` or ``large``; or layers and hidden size, such as ``2x192``.
        vocab_size: entries of the vocabulary.
        encoder: ``bert`` (``transformers.BertConfig``), or ``eurobert`` (``EuroBertConfig``: pre-norm RMSNorm, SwiGLU,
            rotary positions, no biases). EuroBERT's feed-forward has three matrices; each is 8/3 as wide as the hidden
            size, rounded up to a multiple of 64, so that both have about the same number of weights (Shazeer 2020,
            arXiv 2002.05202, section 3).
        overrides: any field of that configuration; names as there.

    Raises:
        UserError: no size of that name.

    >>> model_config("tiny", 21128).hidden_size
    128
    >>> model_config("base", 21128, encoder="eurobert").intermediate_size
    2048
    """
    from transformers import BertConfig, EuroBertConfig

    shape = read_shape(preset)
    if shape is None:
        expected = f"one of {', '.join(PRESETS)}, or LAYERSxHIDDEN, hidden a multiple of 64"
        raise UserError.at("--model", expected=expected, found=preset, fix="choose a size")
    layers, hidden = shape
    settings: dict[str, Any] = {
        "vocab_size": vocab_size,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": hidden // 64,
        "intermediate_size": 4 * hidden,
    }
    if encoder == "bert":
        return BertConfig(**{**settings, **overrides})
    assert encoder == "eurobert", encoder
    settings |= {"intermediate_size": -(-8 * hidden // 3 // 64) * 64, "tie_word_embeddings": True}
    # BERT's places of special tokens, where --model is given a tokenizer of another order they are overridden.
    settings |= {"pad_token_id": 0, "bos_token_id": 101, "eos_token_id": 102, "mask_token_id": 103}
    return EuroBertConfig(**{**settings, **overrides})
