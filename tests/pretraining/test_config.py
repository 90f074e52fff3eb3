"""What a run may be told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from corpus.errors import UserError
from macbert.config import list_recipes, load_config
from macbert.config.fields import field_specs
from macbert.pretraining.config import PretrainConfig


def test_every_mistake_is_listed_at_once() -> None:
    with pytest.raises(UserError) as caught:
        PretrainConfig(data=["a:0"], output="", max_steps=0, dropout=1.0, learning_rate=-1)
    where = [problem.where for problem in caught.value.problems]
    assert sorted(where) == ["--data", "--dropout", "--learning-rate", "--max-steps", "--output"]


def test_a_weight_is_what_a_number_after_the_last_colon_is() -> None:
    config = PretrainConfig(data=["a:2", "b:0.5", "c:/x"], output="o")
    assert config.corpora() == [("a", 2.0), ("b", 0.5), ("c:/x", None)]


def test_every_setting_says_what_it_is() -> None:
    assert [spec.name for spec in field_specs(PretrainConfig) if not spec.doc] == []


@pytest.mark.parametrize("name", sorted(list_recipes("pretrain")))
def test_every_recipe_that_is_shipped_is_valid(name: str) -> None:
    recipe = list_recipes("pretrain")[name]
    config = load_config(PretrainConfig, recipe, {"data": ["tokens"], "output": "run"})
    assert config.dropout == 0.0
    head = recipe.read_text(encoding="utf-8").split("\n\n")[0].lower()
    assert all(f"# {word}:" in head for word in ("data", "hardware", "time", "cost")), head


def test_the_configuration_loads_without_torch() -> None:
    code = "import sys, macbert.pretraining.config; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
