"""A grid of small pretrainings: sizes x lengths x seeds, each finished run used again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import torch

from corpus.errors import UserError
from macbert.config import load_config
from macbert.modeling import MacBertForPreTraining
from macbert.modeling.loading import quiet_transformers
from macbert.modeling.presets import model_config
from macbert.pretraining import PretrainConfig, pretrain
from macbert.scaling.config import FitConfig
from macbert.scaling.points import Size, read_size
from tokenizer import ChineseTokenizer

Progress = Callable[[str, int, int | None], None]


def run_grid(config: FitConfig, folder: Path, progress: Progress | None) -> None:
    """Pretrain every run of a grid that is not there yet; a run that was killed goes on where it was.

    Raises:
        UserError: sizes or settings that do not go together; as :func:`macbert.pretraining.pretrain`.
    """
    sizes = [read_size(size) for size in config.sizes]
    cells = list(product(sizes, config.steps, range(config.seeds)))
    for number, (size, steps, seed) in enumerate(cells):
        name = f"{size}-{steps}-{seed}"
        if progress is not None:
            progress("grid", number, len(cells))
        settings: dict[str, object] = {
            "data": config.data,
            "output": str(folder / name),
            "model": initial_model(size, config.data[0], folder.parent / "initial" / f"{size}-{seed}", seed),
            "max_steps": steps,
            "seed": seed,
            "init_seed": seed,
            "save_total_limit": 1,
            "trackers": [],
        }
        run = load_config(PretrainConfig, config.grid_config, settings)
        if not (folder / name / "manifest.json").is_file():
            pretrain(run, progress)
    if progress is not None:
        progress("grid", len(cells), len(cells))


def initial_model(size: Size, data: str, folder: Path, seed: int) -> str:
    """Write random weights of a size for the vocabulary of encoded documents, once, and return the folder."""
    if (folder / "config.json").is_file():
        return str(folder)
    vocabulary = Path(data.rpartition(":")[0] or data) / "tokenizer"
    if not vocabulary.is_dir():
        vocabulary = Path(data) / "tokenizer"
    if not vocabulary.is_dir():
        raise UserError.at("--data", expected="a folder of encoded documents", found=data, fix="check the path")
    tokenizer = ChineseTokenizer.from_pretrained(str(vocabulary))
    shape: dict[str, Any] = {
        "num_hidden_layers": size.layers,
        "hidden_size": size.hidden,
        "num_attention_heads": size.hidden // 64,
        "intermediate_size": 4 * size.hidden,
    }
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(seed)
        model = MacBertForPreTraining(model_config("tiny", tokenizer.vocab_size, **shape))
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder)
    return str(folder)
