"""Flags from dataclass fields: parsing, and the help pages."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import dataclass
from typing import Any

from macbert.cli.commands import COMMANDS, Command


@dataclass(frozen=True)
class Parsed:
    """What stood on the command line."""

    values: dict[str, Any]
    """Settings by dotted field name, as strings or lists of strings."""

    recipe: str | None
    """The YAML recipe, by path or name."""

    json: bool
    """Print the result as one JSON object."""

    quiet: bool
    """No progress bars and no log lines."""

    dry_run: bool
    """Check everything and tell what would be done, in place of doing it."""


def parse_arguments(path: tuple[str, ...], command: Command, config_class: type, arguments: list[str]) -> Parsed:
    """Read a command's flags; types are checked later, together with the recipe's.

    Raises:
        UserError: flags that the command does not have (each with the nearest name), or a value missing.
    """
    from corpus.errors import Problem, UserError
    from macbert.config.load import flag, nearest

    parser = _parser(path, command, config_class)
    try:
        known, unknown = parser.parse_known_args([_dashed(argument) for argument in arguments])
    except argparse.ArgumentError as error:
        where = error.argument_name or f"macbert {' '.join(path)}"
        fix = f"see macbert {' '.join(path)} --help"
        raise UserError.at(where, expected="a well-formed flag", found=error.message, fix=fix) from None
    values = vars(known)
    if unknown:
        names = [name.lstrip("-") for action in parser._actions for name in action.option_strings]
        problems = []
        # Values that follow an unknown flag are unknown too; the flag alone is worth a line.
        for argument in [word for word in unknown if word.startswith("-")] or unknown:
            near = nearest(argument.lstrip("-").split("=")[0], names)
            fix = f"did you mean '{flag(near)}'?" if near else f"see macbert {' '.join(path)} --help"
            problems.append(Problem(f"macbert {' '.join(path)}", "a known flag", f"'{argument}'", fix))
        raise UserError(*problems)
    recipe = values.pop("recipe_argument", None) or values.pop("config", None)
    return Parsed(
        recipe=recipe,
        json=values.pop("json_output", False),
        quiet=values.pop("quiet", False),
        dry_run=values.pop("dry_run", False),
        values={name: value for name, value in values.items() if name not in ("config", "recipe_argument")},
    )


def overview(group: tuple[str, ...] = ()) -> str:
    """Return the list of commands, or of one group's commands."""
    rows = [(" ".join(path), command.summary) for path, command in COMMANDS.items() if path[: len(group)] == group]
    width = max(len(name) for name, _ in rows)
    lines = [f"  macbert {name:<{width}}  {summary}" for name, summary in rows]
    title = "Raw Chinese text to a pretrained MacBERT-style encoder, and on to classifiers and extractors."
    last = [
        "Every command: --help for its settings, --json for a machine-readable result, --quiet for silence.",
        "Long ones: --dry-run checks the inputs and tells what would be read, written and needed.",
    ]
    return "\n".join([title, "", *lines, "", *last])


def command_help(path: tuple[str, ...], command: Command, config_class: type) -> str:
    """Return a command's help page, made from its dataclass."""
    from macbert.config.fields import field_specs
    from macbert.config.load import flag

    name = f"macbert {' '.join(path)}"
    if command.positional:
        usage = f"{name} {command.positional.upper()}"
    else:
        usage = f"{name} [RECIPE]" if command.recipe else name
    lines = [f"usage: {usage} [--setting value ...]", "", f"{command.summary[:1].upper()}{command.summary[1:]}.", ""]
    if command.recipe:
        from macbert.config.recipes import list_recipes

        known = ", ".join(list_recipes(command.recipe))
        title = "--config FILE" if command.positional else "RECIPE, --config FILE"
        lines.append(f"  {title}\n      a YAML file of these settings, or one that is shipped: {known}")
    for spec in field_specs(config_class):
        title = spec.name.upper() if spec.name == command.positional else flag(spec.name)
        if spec.choices:
            title += f" {{{'|'.join(spec.choices)}}}"
        elif not spec.is_switch:
            title += " VALUE..." if spec.takes_many else " VALUE"
        default = "required" if spec.required else f"default {spec.default}"
        doc = " ".join(spec.doc.split())
        lines.append(f"  {title}\n" + textwrap.indent(textwrap.fill(f"{doc} [{default}]", 110), "      "))
    lines.append("  --json\n      print the result as one JSON object")
    lines.append("  --quiet\n      no progress bars and no log lines")
    if command.long:
        told = "what would be read and written, and about how long, how much memory and disk it would take"
        lines.append(f"  --dry-run\n      check every input, write nothing, and tell {told}")
    return "\n".join(lines)


def _parser(path: tuple[str, ...], command: Command, config_class: type) -> argparse.ArgumentParser:
    from macbert.config.fields import field_specs
    from macbert.config.load import flag

    parser = argparse.ArgumentParser(
        prog=f"macbert {' '.join(path)}",
        add_help=False,
        allow_abbrev=False,
        exit_on_error=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--json", dest="json_output", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    if command.long:
        parser.add_argument("--dry-run", action="store_true")
    if command.recipe:
        if command.positional is None:
            parser.add_argument("recipe_argument", nargs="?")
        parser.add_argument("--config")
    for spec in field_specs(config_class):
        if spec.name == command.positional:
            parser.add_argument(spec.name, nargs="?")
        elif spec.is_switch:
            parser.add_argument(flag(spec.name), dest=spec.name, nargs="?", const="true")
            parser.add_argument(flag(f"no_{spec.name}"), dest=spec.name, action="store_const", const="false")
        else:
            parser.add_argument(flag(spec.name), dest=spec.name, nargs="+" if spec.takes_many else None)
    return parser


def _dashed(argument: str) -> str:
    """Return a flag with dashes for underscores (``--max_steps`` is ``--max-steps``); values stay as they are."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value
