"""A grid of small pretrainings: sizes x lengths x seeds, each finished run used again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import torch

from corpus.dry_run import About, Plan, plan_of, sizes
from macbert.config import load_config
from macbert.pretraining import PretrainConfig, pretrain
from macbert.pretraining.cost import seconds_for
from macbert.scaling.config import FitConfig
from macbert.scaling.points import Size, find_runs, read_size
from tokenizer import ChineseTokenizer
from tokenizer.hub import token_folder

Progress = Callable[[str, int, int | None], None]


def run_grid(config: FitConfig, folder: Path, progress: Progress | None) -> None:
    """Pretrain every run of a grid that is not there yet; a run that was killed goes on where it was.

    Raises:
        UserError: sizes or settings that do not go together; as :func:`macbert.pretraining.pretrain`.
    """
    cells = _cells(config)
    for number, (size, steps, seed) in enumerate(cells):
        name = f"{size}-{steps}-{seed}"
        if progress is not None:
            progress("grid", number, len(cells))
        run = _run_config(config, folder / name, size, steps, seed)
        if not (folder / name / "manifest.json").is_file():
            pretrain(run, progress)
    if progress is not None:
        progress("grid", len(cells), len(cells))


def grid_plan(config: FitConfig, folder: Path) -> Plan:
    """Return the plan of a grid: one run's is made by pretraining's own checks, the others' time by their operations.

    Raises:
        UserError: as :func:`run_grid`.
    """
    cells = _cells(config)
    if config.runs:
        find_runs(config.runs)
    # The largest: its memory is the most that any needs.
    largest = max(cells, key=lambda cell: cell[0].weights)
    first = _run_config(config, folder / "planned", *largest)
    checked = plan_of(lambda: pretrain(first))
    vocabulary = token_folder(first.corpora()[0][0]) / "tokenizer"
    vocab_size = ChineseTokenizer.from_pretrained(str(vocabulary)).vocab_size
    length = first.max_length
    flops = 0.0
    for size, steps, seed in cells:
        if not (folder / f"{size}-{steps}-{seed}" / "manifest.json").is_file():
            flops += size.flops_per_token(length, vocab_size) * steps * first.global_batch_size * length
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    seconds = seconds_for(flops, device, "no")
    weights = [4 * (size.weights + vocab_size * size.hidden) for size, _, _ in cells]
    return Plan(
        [*checked.reads, *sizes(config.runs)],
        [config.output],
        About(seconds.value, f"{len(cells)} runs less those that are finished, {seconds.basis}; the fit comes on top"),
        checked.memory,
        About(
            4 * sum(weights) + 3 * max(weights),
            "four times the weights of each run, and a checkpoint more",
        ),
    )


def _cells(config: FitConfig) -> list[tuple[Size, int, int]]:
    return list(product([read_size(size) for size in config.sizes], config.steps, range(config.seeds)))


def _run_config(config: FitConfig, output: Path, size: Size, steps: int, seed: int) -> PretrainConfig:
    settings: dict[str, object] = {
        "data": config.data,
        "output": str(output),
        "model": str(size),
        "max_steps": steps,
        "seed": seed,
        "init_seed": seed,
        "save_total_limit": 1,
        "trackers": [],
    }
    return load_config(PretrainConfig, config.grid_config, settings)
