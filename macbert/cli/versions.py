"""Before a command runs: are the packages that it needs of the versions that were tested?

The ranges are those of the installed distribution itself (``setup.py`` put them there), read in some 5 ms without
importing what they speak of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import metadata

from corpus.errors import Problem, UserError
from macbert.cli.commands import Command

DISTRIBUTION = "macbert-zh"

GO_ON = "MACBERT_ANY_VERSIONS"
"""Environment variable: 1 goes on with other versions."""

NOT_NEEDED = {"corpus": {"torch", "transformers", "accelerate"}, "tokenizer": {"torch", "accelerate"}}
"""What a floor's commands never import (tests/test_architecture.py holds the floors to it)."""

UNCHECKED = ("doctor", "recipes", "completion")
"""Commands for those whose packages may be wrong: they tell of it, or need next to nothing."""

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*([^;]*)(?:;\s*extra\s*==\s*[\"']([^\"']+)[\"'])?\s*$")
_PLAIN = re.compile(r"\d+(\.\d+)*")


def check_versions(path: tuple[str, ...], command: Command) -> list[Problem]:
    """Return what is outside its range, which ``MACBERT_ANY_VERSIONS=1`` lets pass.

    Raises:
        UserError: every such package with range, version found and the pip command, where nothing lets it pass; and in
            any case every package that is not installed at all.
    """
    if path[0] in UNCHECKED:
        return []
    outside, missing = [], []
    for name, wanted in requirements(command):
        found = version_of(name)
        install = f"pip install '{name}{wanted}'"
        if found is None:
            missing.append(Problem(name, f"version {wanted}", "no such package", install))
        elif not is_within(found, wanted):
            fix = f"{install}, or set {GO_ON}=1 to go on with a version that nobody tried"
            outside.append(Problem(name, f"a tested version ({wanted})", found, fix))
    go_on = os.environ.get(GO_ON, "") not in ("", "0")
    if missing or (outside and not go_on):
        raise UserError(*missing, *(outside if not go_on else []))
    return outside


def requirements(command: Command) -> Iterator[tuple[str, str]]:
    """Yield name and range of every package that a command needs; none where the distribution is not installed."""
    unneeded = NOT_NEEDED.get(command.run.split(".")[0], set())
    for line in _lines("Requires-Dist:", DISTRIBUTION):
        match = _REQUIREMENT.match(line)
        # A line of another form has conditions of its own: macbert doctor reads those too.
        if match is not None and match[1] not in unneeded and match[3] in (None, command.extra):
            yield match[1], match[2].strip()


def version_of(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    return next(_lines("Version:", name), None)


def is_within(version: str, wanted: str) -> bool:
    """Tell whether a version lies in a range; a pre-release may, but not of the version that ends it (PEP 440).

    >>> [is_within(version, ">=2.10,<3") for version in ("2.9.1", "2.10", "2.13.0+cpu", "3.0.0", "3.0.0rc1")]
    [False, True, True, False, False]
    """
    own, parts = version.partition("+")[0], wanted.replace(" ", "").split(",")
    if _PLAIN.fullmatch(own) and all(re.fullmatch(r"(>=|<)\d+(\.\d+)*", part) for part in parts):
        return all(
            (_numbers(own) >= _numbers(part[2:])) if part[0] == ">" else (_numbers(own) < _numbers(part[1:]))
            for part in parts
        )
    # Exact, but its import alone takes 20 ms.
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _lines(field: str, name: str) -> Iterator[str]:
    """Yield a field's values from a distribution's metadata; parsing all of it takes five times as long."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    # An egg-info folder, such as an editable installation leaves in the checkout, has PKG-INFO.
    text = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    for line in text.partition("\n\n")[0].splitlines():
        if line.startswith(field):
            yield line[len(field) :].strip()
