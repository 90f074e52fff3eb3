"""Errors that a user can mend: where, what was expected, what was found, what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the user's input."""

    where: str
    """File and line (``corpus.jsonl:17``), flag (``--workers``) or field that is wrong."""

    expected: str
    """What should be there."""

    found: str
    """What is there instead; never a secret, never a long piece of text."""

    fix: str
    """What to do about it, as an instruction."""

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}; {self.fix}"


class UserError(ValueError):
    """The user's input is wrong: every problem found is listed, and the commands exit with 2.

    >>> raise UserError(Problem("a.jsonl:3", "a string 'text'", "a list", "pass --text-key"))
    Traceback (most recent call last):
    corpus.errors.UserError: a.jsonl:3: expected a string 'text', found a list; pass --text-key
    """

    def __init__(self, *problems: Problem) -> None:
        assert problems, "a UserError names at least one problem"
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))

    def __reduce__(self) -> tuple[type[UserError], tuple[Problem, ...]]:
        # Exceptions cross process borders by their arguments; ours are the problems, not the joined text.
        return type(self), self.problems

    @classmethod
    def at(cls, where: object, *, expected: str, found: str, fix: str) -> UserError:
        """Return the error for a single problem."""
        return cls(Problem(str(where), expected, found, fix))


class MissingExtra(ImportError):
    """An optional dependency is needed and not installed; the message holds the install command."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'macbert-zh[{extra}]'")
