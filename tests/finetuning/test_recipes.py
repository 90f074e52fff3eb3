from __future__ import annotations

from pathlib import Path

import pytest

from macbert.config import load_config
from macbert.config.recipes import list_recipes
from macbert.finetuning import FinetuneConfig

PAPER = {  # arXiv 1906.08101v3, table IV: longest row, epochs, learning rate
    "bq": (128, 3, 3e-5),
    "chnsenticorp": (256, 3, 2e-5),
    "cjrc": (512, 2, 4e-5),
    "cmrc2018": (512, 2, 3e-5),
    "drcd": (512, 2, 3e-5),
    "lcqmc": (128, 3, 2e-5),
    "ocnli": (128, 3, 2e-5),
    "thucnews": (512, 3, 2e-5),
    "tnews": (128, 3, 2e-5),
    "xnli": (128, 2, 3e-5),
}


@pytest.mark.parametrize("path", list_recipes("finetune").values(), ids=lambda path: path.stem)
def test_every_recipe_is_a_sound_configuration_with_the_papers_settings(path: Path) -> None:
    given = {"model": "m", "train": "t", "dev": "d", "output": "o"}
    config = load_config(FinetuneConfig, path, given)
    if path.stem in PAPER:
        assert (config.max_length, config.num_train_epochs, config.learning_rate) == PAPER[path.stem]
        assert config.head_learning_rate == config.learning_rate
        assert config.seeds == 10


def test_the_papers_tasks_all_have_a_recipe() -> None:
    assert set(PAPER) <= set(list_recipes("finetune"))
