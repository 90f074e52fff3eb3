"""``macbert ...``: find the command, build its configuration, call it, print its result, return an exit code."""

from __future__ import annotations

import errno
import importlib
import itertools
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from macbert.cli.commands import COMMANDS, Command

DONE, MACHINE_FAULT, USER_FAULT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 the user's input is wrong, 1 the machine's or our fault."""
    # OpenMP reads this when torch is loaded. Threads that spin while they wait for each other steal the cores of what
    # else runs: 2 threads on a busy 2-core machine trained 2,200 tokens/s spinning and 20,100 sleeping (preset tiny).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from macbert import floor_messages

    # Before anything of those packages is imported: a foreign one would run in place of ours.
    if hidden := floor_messages():
        for line in hidden:
            print(f"macbert: error: {line}", file=sys.stderr)
        return USER_FAULT

    from corpus.errors import MissingExtra, UserError

    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except UserError as error:
        from macbert.cli.messages import prefix, told

        for problem in error.problems:
            print(f"{prefix('error')}{told(problem)}", file=sys.stderr)
        return USER_FAULT
    except MissingExtra as error:
        _say("error", str(error))
        return USER_FAULT
    except BrokenPipeError:
        # The reader of our output (head, less) is gone; what follows has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return MACHINE_FAULT
    except KeyboardInterrupt:
        from macbert.cli.messages import told_message

        told_so = told_message("interrupted; nothing half-written remains, the same command starts again")
        print(f"macbert: {told_so}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        message = _machine_message(error)
        if message is None:
            raise
        _say("error", message)
        return MACHINE_FAULT


def _say(kind: str, message: str) -> None:
    from macbert.cli.messages import prefix, told_message

    print(f"{prefix(kind)}{told_message(message)}", file=sys.stderr)


def _run(arguments: list[str]) -> int:
    from macbert.cli.parsing import command_help, overview, parse_arguments
    from macbert.cli.versions import check_versions

    if arguments[:1] == ["--version"]:
        from macbert import __version__

        print(f"macbert-zh {__version__}")
        return DONE
    path, command = _find(arguments)
    if command is None:
        print(overview(path))
        return DONE
    rest = arguments[len(path) :]
    config_class = _load(command.config)
    if "-h" in rest or "--help" in rest:
        print(command_help(path, command, config_class))
        return DONE
    parsed = parse_arguments(path, command, config_class, rest)
    for problem in check_versions(path, command):
        if not parsed.quiet:
            from macbert.cli.messages import prefix, told

            print(f"{prefix('warning')}{told(problem)}", file=sys.stderr)

    from corpus.dry_run import plan_of
    from macbert.cli.progress import console, logging_to_terminal, progress_bars
    from macbert.config import find_recipe, load_config

    recipe = find_recipe(parsed.recipe, command.recipe) if parsed.recipe and command.recipe else None
    config = load_config(config_class, recipe, parsed.values)
    with logging_to_terminal(quiet=parsed.quiet), progress_bars(quiet=parsed.quiet) as progress:
        run = _load(command.run)
        result = plan_of(lambda: run(config, progress=progress)) if parsed.dry_run else run(config, progress=progress)
    _print_result(result, as_json=parsed.json, console=console)
    # A result may say that what was examined is not sound (doctor).
    return int(getattr(result, "exit_code", DONE))


def _find(arguments: list[str]) -> tuple[tuple[str, ...], Command | None]:
    """Return the longest command path that the arguments begin with, and its command if it is complete."""
    from corpus.errors import UserError
    from macbert.config.load import nearest

    longest = max(map(len, COMMANDS))
    words = tuple(itertools.takewhile(lambda word: not word.startswith("-"), arguments[:longest]))
    for length in range(len(words), 0, -1):
        if words[:length] in COMMANDS:
            return words[:length], COMMANDS[words[:length]]
    group: tuple[str, ...] = ()
    for word in words:
        known = {path[len(group)] for path in COMMANDS if path[: len(group)] == group}
        if word not in known:
            near = nearest(word, known)
            fix = f"did you mean '{near}'?" if near else f"known: {', '.join(sorted(known))}; see macbert --help"
            raise UserError.at(" ".join(("macbert", *group)), expected="a command", found=f"'{word}'", fix=fix)
        group += (word,)
    return group, None


def _load(reference: str) -> Any:
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)


def _print_result(result: Any, *, as_json: bool, console: Any) -> None:
    if "TORCHELASTIC_RUN_ID" in os.environ and os.environ["RANK"] != "0":
        return  # one of several processes that torchrun or accelerate started: the first one tells
    if as_json:
        print(json.dumps(result.as_json(), ensure_ascii=False))
    elif hasattr(result, "lines"):
        for line in result.lines():
            print(line)
    else:
        from macbert.cli.tables import print_tables

        print_tables(result, console)


def _machine_message(error: BaseException | None) -> str | None:
    """Return one line for a fault of the machine (disk, memory, rights), or None for a fault of ours."""
    full = "no space left on device"
    seen: BaseException | None = error
    while seen is not None:
        if full in str(seen).lower() or (isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT)):
            return "the disk is full (no space left on device); free some space and run the same command again"
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename or 'the machine refused'}; mend this and run again"
    if isinstance(error, MemoryError):
        return "out of memory; use fewer workers or smaller batches"
    return None
