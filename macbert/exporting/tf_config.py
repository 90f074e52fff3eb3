"""``bert_config.json`` of Google's code, and ``config.json`` of transformers'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError

TF_CONFIG_NAME = "bert_config.json"

_SIZES = (
    "hidden_size",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "type_vocab_size",
    "vocab_size",
)
_REST = {
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "initializer_range": 0.02,
}


def read_tf_config(path: Path) -> dict[str, Any]:
    """Return a ``bert_config.json``.

    Raises:
        UserError: no such file, no JSON object, or sizes that are missing.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "put the file of the checkpoint's archive beside it"
        raise UserError.at(path, expected="the sizes of the model", found="no file", fix=fix) from None
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise UserError.at(path, expected="a JSON object", found="something else", fix="restore the file")
    wrong = [name for name in _SIZES if not isinstance(value.get(name), int) or value[name] < 1]
    if wrong:
        raise UserError(*(Problem(f"{path}: {name}", "a size", f"{value.get(name)}", "restore it") for name in wrong))
    return value


def config_of(tf_config: dict[str, Any], *, heads: bool) -> dict[str, Any]:
    """Return transformers' configuration: the same names, and what tells it which model this is."""
    return {
        **_REST,
        **tf_config,
        "architectures": ["BertForPreTraining" if heads else "BertModel"],
        "layer_norm_eps": 1e-12,
        "model_type": "bert",
        "pad_token_id": 0,
    }


def tf_config_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return Google's configuration; what their code does not read is left out."""
    return {name: config[name] for name in _SIZES} | {name: config.get(name, value) for name, value in _REST.items()}
