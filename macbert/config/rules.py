"""Rules of a configuration's fields, checked all at once."""

from __future__ import annotations

from collections.abc import Iterable

from corpus.errors import Problem, UserError

Rule = tuple[str, str, bool]
"""Field, what is expected of it, and whether that holds."""


def broken_rules(config: object, rules: Iterable[Rule]) -> list[Problem]:
    """Return a problem for each rule that does not hold, with the field's flag and value; each once.

    >>> from types import SimpleNamespace
    >>> print(*broken_rules(SimpleNamespace(max_steps=0), [("max_steps", "at least 1", False)]))
    --max-steps: expected at least 1, found 0; mend the value
    """
    problems = [
        Problem(f"--{name.replace('_', '-')}", expected, str(getattr(config, name)), "mend the value")
        for name, expected, holds in rules
        if not holds
    ]
    return list(dict.fromkeys(problems))


def check_rules(config: object, rules: Iterable[Rule]) -> None:
    """Raise a UserError with every broken rule."""
    if problems := broken_rules(config, rules):
        raise UserError(*problems)
