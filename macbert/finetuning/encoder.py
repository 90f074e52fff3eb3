"""The encoder that fine-tuning starts from: a folder's weights, or random ones of the same shape."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from corpus.errors import UserError
from macbert.modeling.loading import quiet_transformers
from tokenizer import ChineseTokenizer
from tokenizer.model_files import check_weights

logger = logging.getLogger(__name__)


def load_config(folder: str) -> Any:
    """Return a model folder's transformers configuration.

    Raises:
        UserError: no folder, or no configuration in it.
    """
    from transformers import AutoConfig

    expected = "a model folder (config.json, model.safetensors, vocab.txt)"
    if not Path(folder).is_dir():
        found = "a file" if Path(folder).exists() else "nothing"
        raise UserError.at(folder, expected=expected, found=found, fix="give the folder of a pretraining run or model")
    if not Path(folder, "config.json").is_file():
        fix = "give the folder of a finished run (an interrupted one has only checkpoints)"
        raise UserError.at(folder, expected=expected, found="no config.json", fix=fix)
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        found = str(error).strip().splitlines()[0]
        raise UserError.at(
            f"{folder}/config.json", expected="a transformers configuration", found=found, fix="restore it"
        ) from None


def load_tokenizer(folder: str, config: Any, max_length: int) -> ChineseTokenizer:
    """Return a model folder's tokenizer, checked against the model's vocabulary and positions.

    Raises:
        UserError: no vocabulary there, more tokens than embeddings, or windows longer than the positions.
    """
    tokenizer = ChineseTokenizer.from_pretrained(folder, segmenter="char")
    if tokenizer.vocab_size > config.vocab_size:
        found = f"{tokenizer.vocab_size} in its vocab.txt"
        fix = "restore the model's own vocab.txt"
        raise UserError.at(folder, expected=f"at most {config.vocab_size} tokens (config.json)", found=found, fix=fix)
    positions = getattr(config, "max_position_embeddings", max_length)
    if max_length > positions:
        fix = "lower --max-length: longer texts are slid over"
        raise UserError.at(
            "--max-length", expected=f"at most {positions} (the model's)", found=str(max_length), fix=fix
        )
    return tokenizer


def load_pretrained(auto_class: Any, folder: str, config: Any, *, init: str, seed: int, **options: Any) -> Any:
    """Return ``auto_class`` (a transformers Auto model class) in float32 with the folder's encoder or random weights.

    What the folder lacks (a new head) is drawn from ``seed``; the global random state is left as it was.

    Raises:
        UserError: weights that cannot be read, or that leave a part of the encoder without its own.
    """
    if init != "random":
        check_weights(folder)
    with seeded(seed), quiet_transformers():
        if init == "random":
            return auto_class.from_config(config, dtype=torch.float32, **options)
        try:
            model, info = auto_class.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                local_files_only=True,
                **options,
            )
        except (OSError, RuntimeError, SafetensorError, ValueError) as error:
            found = str(error).strip().splitlines()[0]
            fix = "give a folder with whole weights that fit its config.json"
            raise UserError.at(folder, expected="loadable weights", found=found, fix=fix) from None
    prefix = f"{model.base_model_prefix}."
    bare = model.base_model is model
    missing = sorted(key for key in info["missing_keys"] if bare or key.startswith(prefix))
    pooler = [key for key in missing if "pooler." in key]
    if pooler:
        logger.warning("%s has no pooler: it starts random", folder)
    if lost := sorted(set(missing) - set(pooler)):
        found = f"{len(lost)} missing, such as {lost[0]}"
        raise UserError.at(folder, expected="every weight of the encoder", found=found, fix="give a whole model")
    return model


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from ``seed`` inside, and leave every global random state (torch, NumPy, Python) as it was."""
    import random

    # Trainer seeds the global states itself; what it does there stays there.
    python_state, numpy_state = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
