"""From a recipe and flags to a checked configuration; every mistake is reported, not only the first."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from corpus.errors import Problem, UserError
from macbert.config.fields import field_specs
from macbert.config.recipes import read_recipe

Config = TypeVar("Config")


def load_config(
    config_class: type[Config],
    recipe: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Build a configuration from defaults, then a YAML recipe, then overrides (flags); the last one wins.

    Args:
        config_class: a dataclass; its ``__post_init__`` may raise :class:`UserError` for what types cannot say.
        recipe: a YAML file; keys are field names, nested mappings are nested dataclasses.
        overrides: values by dotted field name; strings are read as the field's type ("1e-4" is a float).

    Raises:
        UserError: with every unknown key (and the nearest name), wrong type, missing value and failed check.
    """
    values, lines = read_recipe(recipe) if recipe is not None else ({}, {})
    values.update(overrides or {})
    given_as_flags = set(overrides or {})

    def where(name: str) -> str:
        if name not in given_as_flags:
            for known in (name, name.split(".")[0]):
                if known in lines:
                    return f"{recipe}:{lines[known]}"
        return flag(name)

    specs = {spec.name: spec for spec in field_specs(config_class)}
    groups = {name.split(".")[0] for name in specs if "." in name}
    problems = []
    for name in sorted(set(values) - set(specs), key=lambda name: lines.get(name, 0)):
        if name in groups and values[name] is None:
            continue
        near = nearest(name, specs)
        fix = f"did you mean '{near}'?" if near else f"known names: {', '.join(sorted(specs))}"
        problems.append(Problem(where(name), f"a setting of {config_class.__name__}", f"'{name}'", fix))
    known_values = {name: value for name, value in values.items() if name in specs}

    # pydantic costs 0.1 s to import; `--help` must not pay for it.
    from pydantic import TypeAdapter, ValidationError

    try:
        config = TypeAdapter(config_class).validate_python(_nested(known_values))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            cause = detail.get("ctx", {}).get("error")
            if isinstance(cause, UserError):
                problems.extend(cause.problems)
                continue
            name = _field_name(detail["loc"], specs)
            doc = specs[name].doc.splitlines()[0] if name in specs and specs[name].doc else "a valid value"
            if detail["type"] == "missing":
                problems.append(Problem(where(name), f"a value ({doc})", "none", f"pass {flag(name)}"))
            else:
                found = repr(known_values.get(name, detail["input"]))
                problems.append(Problem(where(name), f"{_lower_first(detail['msg'])} ({doc})", found, "mend the value"))
    if problems:
        raise UserError(*dict.fromkeys(problems))
    return config


def nearest(name: str, known: Any) -> str | None:
    """Return the known name most like a mistyped one, or None if none is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def flag(name: str) -> str:
    """Return the command-line flag of a field: ``max_steps`` is ``--max-steps``."""
    return "--" + name.replace("_", "-")


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *groups, leaf = name.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[leaf] = value
    return tree


def _field_name(location: tuple[Any, ...], specs: Mapping[str, Any]) -> str:
    """Return the dotted field name in a pydantic error location, without list indices and union tags."""
    parts = [part for part in location if isinstance(part, str)]
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in specs:
            return name
    return ".".join(parts) or "the configuration"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
