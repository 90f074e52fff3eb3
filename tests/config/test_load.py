"""A configuration is built from a recipe and flags, and every mistake in either is reported with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from corpus.errors import Problem, UserError
from macbert.config import field_specs, load_config


@dataclass(kw_only=True)
class Masking:
    rate: float = 0.15
    """Share of tokens."""


@dataclass(kw_only=True)
class Config:
    data: list[str]
    """Where to read."""
    steps: int = 10
    """How many
    steps."""
    learning_rate: float = 1e-4
    """Peak."""
    mode: Literal["fast", "exact"] = "fast"
    """How."""
    shuffle: bool = True
    """Whether."""
    limit: int | None = None
    """At most."""
    masking: Masking = field(default_factory=Masking)
    """Nested."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise UserError(Problem("--steps", ">= 1", str(self.steps), "give more"))


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def messages(caught: pytest.ExceptionInfo[UserError]) -> list[str]:
    return [str(problem) for problem in caught.value.problems]


def test_flags_win_over_the_recipe_and_the_recipe_over_defaults(tmp_path: Path) -> None:
    recipe = write(tmp_path, "data: [a, b]\nsteps: 5\nmasking:\n  rate: 0.3\n")
    config = load_config(Config, recipe, {"steps": "7", "shuffle": "false"})
    assert config.data == ["a", "b"]
    assert (config.steps, config.learning_rate, config.masking.rate, config.shuffle) == (7, 1e-4, 0.3, False)


def test_a_number_in_scientific_notation_is_a_number_though_yaml_calls_it_text(tmp_path: Path) -> None:
    assert load_config(Config, write(tmp_path, "data: [a]\nlearning_rate: 1e-4\n")).learning_rate == 1e-4


def test_all_mistakes_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    recipe = write(tmp_path, "stpes: 3\nlearning_rate: fast\nmode: exactly\nmasking:\n  rat: 1\n")
    with pytest.raises(UserError) as caught:
        load_config(Config, recipe)
    found = "\n".join(messages(caught))
    assert f"{recipe}:1: expected a setting of Config, found 'stpes'; did you mean 'steps'?" in found
    assert f"{recipe}:2: " in found
    assert f"{recipe}:3: " in found
    assert f"{recipe}:5: expected a setting of Config, found 'masking.rat'; did you mean 'masking.rate'?" in found
    assert "--data: expected a value (Where to read.), found none" in found
    assert len(messages(caught)) == 5


def test_a_failed_check_of_the_dataclass_is_reported_as_it_was_raised() -> None:
    with pytest.raises(UserError) as caught:
        load_config(Config, None, {"data": ["a"], "steps": "0"})
    assert messages(caught) == ["--steps: expected >= 1, found 0; give more"]


@pytest.mark.parametrize(
    ("text", "line"),
    [("data: [a]\n\tsteps: 1\n", 2), ("steps: 1\nsteps: 2\n", 2), ("- a\n", 1), ("data: [a\n", 2), ("1: 2\n", 1)],
)
def test_a_broken_recipe_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(UserError, match=rf"recipe\.yaml:{line}: "):
        load_config(Config, write(tmp_path, text))


def test_a_recipe_in_gbk_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "gbk.yaml"
    path.write_bytes("data: [语料]\n".encode("gbk"))
    with pytest.raises(UserError, match=r"gbk\.yaml: expected UTF-8"):
        load_config(Config, path)


def test_the_docstring_under_a_field_is_its_help() -> None:
    specs = {spec.name: spec for spec in field_specs(Config)}
    assert specs["steps"].doc == "How many\nsteps."
    assert specs["data"].required
    assert specs["data"].takes_many
    assert specs["mode"].choices == ("fast", "exact")
    assert specs["shuffle"].is_switch
    assert specs["masking.rate"].default == 0.15
