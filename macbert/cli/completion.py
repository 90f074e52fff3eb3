"""``macbert completion``: a script by which a shell completes commands, flags and their values."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from macbert.cli.commands import COMMANDS, Command

Progress = Callable[[str, int, int | None], None]


@dataclass(kw_only=True)
class CompletionConfig:
    """Settings of ``macbert completion``."""

    shell: Literal["bash", "zsh"]
    """The shell that the script is for; put its output where that shell looks, or let it ``eval`` it."""


@dataclass(frozen=True)
class CompletionScript:
    """A script for a shell."""

    shell: str
    text: str

    def lines(self) -> list[str]:
        """Return the script's lines."""
        return self.text.splitlines()

    def as_json(self) -> dict[str, Any]:
        """Return shell and script."""
        return {"shell": self.shell, "script": self.text}


def completion_script(config: CompletionConfig, *, progress: Progress | None = None) -> CompletionScript:
    """Return the script of a shell: every command, its flags, the values of those that have a choice, else files.

    >>> "tokenizer" in completion_script(CompletionConfig(shell="bash")).text
    True
    """
    import shtab

    return CompletionScript(config.shell, shtab.complete(command_tree(), shell=config.shell))


def command_tree() -> argparse.ArgumentParser:
    """Return a parser of all commands: for completion only, since one that parses would import every floor."""
    root = argparse.ArgumentParser(prog="macbert", add_help=False, description="Raw Chinese text to an encoder.")
    root.add_argument("-h", "--help", action="store_true", help="list the commands")
    root.add_argument("--version", action="store_true", help="print the version")
    parsers: dict[tuple[str, ...], argparse.ArgumentParser] = {(): root}
    groups: dict[tuple[str, ...], Any] = {}
    for path in sorted(COMMANDS, key=len):
        for length in range(1, len(path) + 1):
            name, parent = path[:length], path[: length - 1]
            if name in parsers:
                continue
            if parent not in groups:
                groups[parent] = parsers[parent].add_subparsers()
            about = COMMANDS[name].summary if name in COMMANDS else f"commands of macbert {' '.join(name)}"
            parsers[name] = groups[parent].add_parser(name[-1], help=about, add_help=False)
            if name in COMMANDS:
                _add_settings(parsers[name], COMMANDS[name])
    return root


def _add_settings(parser: argparse.ArgumentParser, command: Command) -> None:
    from macbert.config.fields import field_specs
    from macbert.config.load import flag
    from macbert.config.recipes import list_recipes

    parser.add_argument("-h", "--help", action="store_true", help="every setting")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress bars and no log lines")
    if command.long:
        parser.add_argument("--dry-run", action="store_true", help="check every input and tell what would be done")
    if command.recipe:
        _complete_files(parser.add_argument("--config", help="a YAML recipe, by file or name"))
        if command.positional is None:
            parser.add_argument("recipe", nargs="?", choices=list(list_recipes(command.recipe)), help="a recipe")
    module, name = command.config.split(":")
    for spec in field_specs(getattr(importlib.import_module(module), name)):
        # Percent signs are argparse's own marks in a help text.
        about = " ".join(spec.doc.split()).replace("%", "%%").partition(". ")[0]
        choices = list(spec.choices) or None
        if spec.name == command.positional:
            action = parser.add_argument(spec.name, nargs="?", choices=choices, help=about)
        elif spec.is_switch:
            parser.add_argument(flag(spec.name), action="store_true", help=about)
            parser.add_argument(flag(f"no_{spec.name}"), action="store_true", help=f"not: {about}")
            continue
        else:
            many = "+" if spec.takes_many else None
            action = parser.add_argument(flag(spec.name), nargs=many, choices=choices, help=about)
        if choices is None and "str" in str(spec.annotation):
            _complete_files(action)


def _complete_files(action: argparse.Action) -> None:
    import shtab

    action.complete = shtab.FILE  # type: ignore[attr-defined]
