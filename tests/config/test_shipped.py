"""The recipes of the package are listed with their purpose, shown to the letter, and copied to where nothing stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from macbert.cli import main
from macbert.config.shipped import KINDS, CopyRecipeConfig, ListRecipesConfig, copy_recipe, shipped_recipes

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def test_every_recipe_is_listed_with_what_it_is_for() -> None:
    found = shipped_recipes(ListRecipesConfig()).recipes
    assert {f"{r.kind}/{r.name}" for r in found} == {f"{p.parent.name}/{p.stem}" for p in RECIPES.glob("*/*.yaml")}
    assert {path.name for path in RECIPES.iterdir() if path.is_dir()} == set(KINDS)
    assert all(recipe.about for recipe in found)


def test_a_recipe_is_shown_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "show", "tiny"]) == 0
    assert capsys.readouterr().out == (RECIPES / "pretrain" / "tiny.yaml").read_text("utf-8")


def test_a_copied_recipe_is_the_same_file_and_is_never_written_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["recipes", "cp", "finetune/msra", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"kind": "finetune", "name": "msra", "output": "msra.yaml"}
    assert Path("msra.yaml").read_bytes() == (RECIPES / "finetune" / "msra.yaml").read_bytes()
    Path("msra.yaml").write_text("mine", encoding="utf-8")
    assert main(["recipes", "cp", "msra"]) == 2
    assert Path("msra.yaml").read_text("utf-8") == "mine"


def test_a_copied_recipe_is_taken_by_its_command(tmp_path: Path) -> None:
    from macbert.config import load_config
    from macbert.pretraining import PretrainConfig

    copied = copy_recipe(CopyRecipeConfig(name="tiny", output=str(tmp_path / "mine.yaml")))
    config = load_config(PretrainConfig, copied.output, {"data": ["tokens"], "output": "run"})
    assert (config.model, config.max_steps) == ("tiny", 2000)
