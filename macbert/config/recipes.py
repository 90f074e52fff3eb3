"""YAML recipes: where they are found, and how one is read with the line of every key."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from corpus.errors import Problem, UserError

# In a wheel the recipes lie inside the package (setup.py maps them there); in a checkout they lie beside it.
_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "recipes", _PACKAGE.parent / "recipes")


def list_recipes(kind: str) -> dict[str, Path]:
    """Return the recipes that come with the package for a kind of command (``pretrain``, ``corpus``), by name."""
    return {path.stem: path for folder in reversed(_FOLDERS) for path in sorted((folder / kind).glob("*.yaml"))}


def find_recipe(name: str, kind: str) -> Path:
    """Return the file of a recipe, given as a path or as the name of one that comes with the package.

    Raises:
        UserError: neither; the known names are listed.
    """
    path = Path(name)
    if path.is_file():
        return path
    known = list_recipes(kind)
    if name in known:
        return known[name]
    fix = f"give a YAML file or one of: {', '.join(known) or 'none are installed'}"
    raise UserError.at(name, expected=f"a {kind} recipe", found="no such file or name", fix=fix)


def read_recipe(path: str | Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a recipe's settings and the line of each, both by dotted name (``masking.strategy``).

    Raises:
        UserError: not YAML, not UTF-8, not a mapping, a key twice, or a key that is not a word; with file and line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError.at(path, expected="a YAML file", found="no such file", fix="check the path") from None
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise UserError.at(path, expected="UTF-8", found=found, fix="save the file as UTF-8") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        fix = "indent with spaces, not tabs, and quote special characters"
        raise UserError.at(f"{path}:{line}", expected="YAML", found=str(error.problem), fix=fix) from None
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    if root is not None:
        if not isinstance(root, yaml.MappingNode):
            raise UserError.at(
                f"{path}:1", expected="'name: value' lines", found=type(root).__name__, fix="see recipes/pretrain"
            )
        _collect(path, root, "", values, lines, problems)
    if problems:
        raise UserError(*problems)
    return values, lines


def _collect(
    path: Path,
    node: yaml.MappingNode,
    prefix: str,
    values: dict[str, Any],
    lines: dict[str, int],
    problems: list[Problem],
) -> None:
    constructor = yaml.SafeLoader("")
    for key_node, value_node in node.value:
        key = constructor.construct_object(key_node)
        line = key_node.start_mark.line + 1
        where = f"{path}:{line}"
        if not isinstance(key, Hashable) or not isinstance(key, str):
            problems.append(Problem(where, "a name as the key", repr(key), "quote it or mend the line"))
            continue
        name = prefix + key.replace("-", "_")
        if name in lines:
            problems.append(Problem(where, "each key once", f"'{name}' again (line {lines[name]})", "remove one"))
            continue
        lines[name] = line
        if isinstance(value_node, yaml.MappingNode):
            _collect(path, value_node, f"{name}.", values, lines, problems)
        else:
            values[name] = constructor.construct_object(value_node, deep=True)
