"""Models from a preset, a folder or the hub, with every weight accounted for."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from corpus.errors import UserError
from macbert.modeling.encoder import HEADS_NAME, MacEncoderForPreTraining
from macbert.modeling.heads import MacBertForPreTraining
from macbert.modeling.presets import PRESETS, model_config, read_shape
from tokenizer.model_files import check_weights

logger = logging.getLogger(__name__)

# Old checkpoints store this constant; it is no weight.
_CONSTANTS = frozenset({"bert.embeddings.position_ids"})

PretrainingModel: TypeAlias = MacBertForPreTraining | MacEncoderForPreTraining


@dataclass(frozen=True)
class LoadedModel:
    """A model and where its weights come from."""

    model: PretrainingModel
    """In float32, in training mode."""

    fresh: tuple[str, ...]
    """Weights that the checkpoint lacks, now random: e.g. the sentence-order head of a masked-language model."""

    unused: tuple[str, ...]
    """Weights of the checkpoint that the model has no place for, e.g. a classifier."""


def build_model(
    preset: str,
    vocab_size: int,
    *,
    encoder: str = "bert",
    max_length: int = 512,
    init_seed: int = 0,
    special_ids: Mapping[str, int] | None = None,
) -> Any:
    """Return a model of a known size with random weights, the same for the same seed on any machine.

    Args:
        preset: ``tiny``, ``mini``, ``small``, ``base`` or ``large``; or layers and hidden size, such as ``2x192``.
        vocab_size: entries of the vocabulary.
        encoder: ``bert`` (:class:`MacBertForPreTraining`) or ``eurobert`` (:class:`MacEncoderForPreTraining`).
        max_length: longest row; at least 512 positions are made, so that fine-tuning may use longer texts.
        init_seed: of the initial weights; the global random state is left as it was.
        special_ids: the vocabulary's ``pad_token_id`` and others that EuroBERT's configuration records.
    """
    more = dict(special_ids or {}) if encoder != "bert" else {}
    more["max_position_embeddings"] = max(512, max_length)
    config = model_config(preset, vocab_size, encoder=encoder, **more)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(init_seed)
        if encoder == "bert":
            return MacBertForPreTraining(config).train()
        from transformers import EuroBertForMaskedLM

        return MacEncoderForPreTraining(EuroBertForMaskedLM(config)).train()


def load_model(name: str, *, init_seed: int = 0) -> LoadedModel:
    """Load a checkpoint (``hfl/chinese-macbert-base``-shaped folder or hub name) with its pretraining heads.

    A BERT becomes a :class:`MacBertForPreTraining`; another encoder that ``AutoModelForMaskedLM`` knows becomes a
    :class:`MacEncoderForPreTraining`. Weights that the checkpoint lacks are drawn from ``init_seed`` and named in a
    warning, as are weights not used.

    Raises:
        UserError: no checkpoint there, no encoder, one that cannot train on packed rows, or a weight of another shape
            than its configuration says.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        sizes = f"{', '.join(PRESETS)}, 2x192"
        expected = f"a size ({sizes}), a folder with config.json and weights, or a model of the hub"
        found = str(error).splitlines()[0]
        raise UserError.at("--model", expected=expected, found=found, fix="check the path") from None
    check_weights(name)
    is_bert = config.model_type == "bert"
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(init_seed)
        try:
            model, info = _read(name, config, is_bert)
        except (OSError, RuntimeError, SafetensorError) as error:
            found = str(error).strip().splitlines()[0]
            fix = "give a folder with whole weights that fit its config.json"
            raise UserError.at(f"--model {name}", expected="loadable weights", found=found, fix=fix) from None
        tied = set(model.all_tied_weights_keys)
        fresh = sorted(set(info["missing_keys"]) - tied)
        if not is_bert:
            model = MacEncoderForPreTraining(model)
            fresh += _read_heads(name, model)
    unused = tuple(sorted(set(info["unexpected_keys"]) - _CONSTANTS))
    if fresh:
        logger.warning("%s has no %s: they start random (init_seed %d)", name, ", ".join(fresh), init_seed)
    if unused:
        logger.warning("%s: not used: %s", name, ", ".join(unused))
    return LoadedModel(model.train(), tuple(fresh), unused)


def _read(name: str, config: Any, is_bert: bool) -> tuple[Any, dict[str, Any]]:
    """Return a model in float32 with transformers' account of its keys."""
    from transformers import AutoModelForMaskedLM

    kind: Any = MacBertForPreTraining if is_bert else AutoModelForMaskedLM
    try:
        return kind.from_pretrained(name, dtype=torch.float32, output_loading_info=True)
    except ValueError:
        fix = "give a BERT checkpoint or another encoder"
        expected = "an encoder with a masked-token head"
        raise UserError.at("--model", expected=expected, found=f"model_type {config.model_type}", fix=fix) from None


def _read_heads(name: str, model: MacEncoderForPreTraining) -> list[str]:
    """Put in the heads of ``heads.safetensors``, or return the names of those that stay random."""
    from transformers.utils import cached_file

    path = cached_file(
        name, HEADS_NAME, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False
    )
    names = [key for key in model.state_dict() if not key.startswith("masked_lm.")]
    if path is None:
        return names
    heads = load_file(path)
    if {key: value.shape for key, value in heads.items()} != {key: model.state_dict()[key].shape for key in names}:
        fix = "restore the file, or remove it to start with a random head"
        raise UserError.at(path, expected=f"the weights {', '.join(names)}", found=", ".join(heads), fix=fix)
    model.load_state_dict(heads, strict=False)
    return []


def resolve_model(
    name: str,
    vocab_size: int,
    *,
    max_length: int,
    init_seed: int,
    encoder: str = "bert",
    special_ids: Mapping[str, int] | None = None,
) -> LoadedModel:
    """Return a preset's random model or a loaded checkpoint, fit for rows of a length and ids of a vocabulary.

    Raises:
        UserError: as :func:`load_model`, or the checkpoint's vocabulary or positions are too few.
    """
    if read_shape(name) and not Path(name).is_dir():
        model = build_model(
            name, vocab_size, encoder=encoder, max_length=max_length, init_seed=init_seed, special_ids=special_ids
        )
        return LoadedModel(model, (), ())
    loaded = load_model(name, init_seed=init_seed)
    config = loaded.model.config
    if config.vocab_size != vocab_size:
        fix = "encode the corpus with that model's own tokenizer (macbert tokenizer encode --tokenizer MODEL)"
        found = f"{config.vocab_size} in {name}"
        raise UserError.at("--model", expected=f"{vocab_size} vocabulary entries", found=found, fix=fix)
    offset = getattr(loaded.model, "position_offset", 0)
    if config.max_position_embeddings - offset < max_length:
        found = f"{config.max_position_embeddings - offset} in {name}"
        fix = "lower --max-length"
        raise UserError.at("--model", expected=f"at least {max_length} positions", found=found, fix=fix)
    return loaded


def set_dropout(model: nn.Module, probability: float) -> None:
    """Set every dropout of a model, attention included; its config keeps the value that fine-tuning will use."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and load reports off the screen; what matters of them is logged here."""
    from transformers.utils import logging as reports

    verbosity, bars = reports.get_verbosity(), reports.is_progress_bar_enabled()
    reports.set_verbosity_error()
    reports.disable_progress_bar()
    try:
        yield
    finally:
        reports.set_verbosity(verbosity)
        if bars:
            reports.enable_progress_bar()
