"""A grid of small pretrainings: sizes x lengths x seeds, each finished run used again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

from macbert.config import load_config
from macbert.pretraining import PretrainConfig, pretrain
from macbert.scaling.config import FitConfig
from macbert.scaling.points import read_size

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
            "model": str(size),
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
