"""``macbert recipes``: the recipes that the package carries, listed, shown and copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from corpus.errors import UserError
from corpus.files import atomic_file, check_output_file
from macbert.config.load import nearest
from macbert.config.recipes import list_recipes

KINDS = ("corpus", "pretrain", "finetune")
Progress = Callable[[str, int, int | None], None]


@dataclass(kw_only=True)
class ListRecipesConfig:
    """Settings of ``macbert recipes ls``."""

    kind: Literal["all", "corpus", "pretrain", "finetune"] = "all"
    """Which recipes to list: those of one command, or all."""


@dataclass(kw_only=True)
class ShowRecipeConfig:
    """Settings of ``macbert recipes show``."""

    name: str
    """A recipe as ``macbert recipes ls`` names it: NAME, or KIND/NAME where two kinds have one of that name."""


@dataclass(kw_only=True)
class CopyRecipeConfig:
    """Settings of ``macbert recipes cp``."""

    name: str
    """A recipe as ``macbert recipes ls`` names it: NAME, or KIND/NAME where two kinds have one of that name."""

    output: str | None = None
    """File to write; default NAME.yaml in the working folder. A file that exists is never replaced."""


@dataclass(frozen=True)
class ShippedRecipe:
    """One recipe."""

    kind: str
    """The command it is for."""

    name: str
    """As that command takes it."""

    text: str
    """The whole file."""

    @property
    def about(self) -> str:
        """The first line of its comment: what it is for."""
        first = next((line for line in self.text.splitlines() if line.startswith("#")), "")
        return first.lstrip("# ").strip()

    def lines(self) -> list[str]:
        """Return the file's lines."""
        return self.text.splitlines()

    def as_json(self) -> dict[str, Any]:
        """Return name, kind and text."""
        return {"kind": self.kind, "name": self.name, "text": self.text}


@dataclass(frozen=True)
class ShippedRecipes:
    """Some recipes."""

    recipes: tuple[ShippedRecipe, ...]
    """By kind and name."""

    def tables(self) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
        """Return one table a kind."""
        rows: dict[str, list[tuple[str, ...]]] = {}
        for recipe in self.recipes:
            rows.setdefault(recipe.kind, []).append((recipe.name, recipe.about))
        return [(f"macbert {_COMMAND[kind]}", ("recipe", "for"), own) for kind, own in rows.items()]

    def summary(self) -> list[tuple[str, str]]:
        """Return what to do with one."""
        return [("read one", "macbert recipes show NAME"), ("change one", "macbert recipes cp NAME --output FILE")]

    def as_json(self) -> list[dict[str, Any]]:
        """Return kind, name and purpose of each."""
        return [{"kind": r.kind, "name": r.name, "about": r.about} for r in self.recipes]


@dataclass(frozen=True)
class CopiedRecipe:
    """A recipe that is now the user's."""

    recipe: ShippedRecipe
    """What was copied."""

    output: str
    """Where to."""

    def summary(self) -> list[tuple[str, str]]:
        """Return where it is and how it is used."""
        use = f"macbert {_COMMAND[self.recipe.kind]} --config {self.output}"
        return [("recipe", f"{self.recipe.kind}/{self.recipe.name}"), ("file", self.output), ("use it", use)]

    def as_json(self) -> dict[str, Any]:
        """Return kind, name and file."""
        return {"kind": self.recipe.kind, "name": self.recipe.name, "output": self.output}


_COMMAND = {"corpus": "corpus build", "pretrain": "pretrain", "finetune": "finetune TASK"}


def shipped_recipes(config: ListRecipesConfig, *, progress: Progress | None = None) -> ShippedRecipes:
    """Return the recipes of a kind, or all."""
    kinds = KINDS if config.kind == "all" else (config.kind,)
    return ShippedRecipes(tuple(_read(kind, name) for kind in kinds for name in list_recipes(kind)))


def show_recipe(config: ShowRecipeConfig, *, progress: Progress | None = None) -> ShippedRecipe:
    """Return a recipe by its name.

    Raises:
        UserError: no recipe, or several, of that name.

    >>> show_recipe(ShowRecipeConfig(name="pretrain/tiny")).kind
    'pretrain'
    """
    kind, slash, name = config.name.rpartition("/")
    every = [(k, n) for k in KINDS for n in list_recipes(k)]
    found = [(k, n) for k, n in every if n == name and (not slash or k == kind)]
    if len(found) == 1:
        return _read(*found[0])
    if found:
        names = " or ".join(f"'{k}/{n}'" for k, n in found)
        raise UserError.at("NAME", expected="the name of one recipe", found=f"'{config.name}'", fix=f"say {names}")
    near = nearest(config.name, [*(n for _, n in every), *(f"{k}/{n}" for k, n in every)])
    fix = f"did you mean '{near}'?" if near else "see macbert recipes ls"
    raise UserError.at("NAME", expected="a recipe of the package", found=f"'{config.name}'", fix=fix)


def copy_recipe(config: CopyRecipeConfig, *, progress: Progress | None = None) -> CopiedRecipe:
    """Copy a recipe to a new file.

    Raises:
        UserError: no such recipe, or something is there already.
    """
    recipe = show_recipe(ShowRecipeConfig(name=config.name))
    output = check_output_file(config.output or f"{recipe.name}.yaml")
    if output.exists():
        fix = "choose another --output"
        raise UserError.at(output, expected="no such file yet", found="a file", fix=fix)
    with atomic_file(output) as stream:
        stream.write(recipe.text)
    return CopiedRecipe(recipe, str(output))


def _read(kind: str, name: str) -> ShippedRecipe:
    return ShippedRecipe(kind, name, list_recipes(kind)[name].read_text(encoding="utf-8"))
