"""``macbert data validate``: everything wrong or odd in labelled texts, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from corpus.errors import Problem, UserError
from macbert.annotations.config import ValidateConfig
from macbert.annotations.reading import scan_examples
from macbert.annotations.schema import Example


@dataclass
class ValidateResult:
    """What a file holds, and what is odd but not wrong."""

    examples: int = 0
    """Sound texts."""

    characters: int = 0
    """Of all texts."""

    longest: int = 0
    """Characters of the longest text."""

    long: int = 0
    """Texts above ``max_length`` characters."""

    labels: Counter[str] = field(default_factory=Counter)
    """How often each label occurs."""

    duplicates: list[str] = field(default_factory=list)
    """Places of texts that stand earlier too (with the same annotation)."""

    contradictions: list[str] = field(default_factory=list)
    """Places of texts that stand earlier with another annotation."""

    overlapping: int = 0
    """Pairs of entities of a text that overlap (token labels cannot say them)."""

    extra_keys: Counter[str] = field(default_factory=Counter)
    """Keys that no task reads."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        lines = [
            ("texts", f"{self.examples:,}, {self.characters:,} characters, longest {self.longest:,}"),
            ("long texts", f"{self.long:,}"),
            ("said twice", f"{len(self.duplicates):,}" + _first(self.duplicates)),
            ("said twice otherwise", f"{len(self.contradictions):,}" + _first(self.contradictions)),
            ("overlapping entities", f"{self.overlapping:,}"),
        ]
        lines += [("label", f"{label}: {count:,}") for label, count in self.labels.most_common()]
        return lines + [("key kept but not read", f"{key}: {count:,}") for key, count in self.extra_keys.items()]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return {**vars(self), "labels": dict(self.labels), "extra_keys": dict(self.extra_keys)}


def validate(
    config: ValidateConfig, *, progress: Callable[[str, int, int | None], None] | None = None
) -> ValidateResult:
    """Check files in the annotation format.

    Raises:
        UserError: every mistake of every line of every file, unknown labels, repeated entities, empty files.
    """
    problems: list[Problem] = []
    result = ValidateResult()
    known: set[str] = set(config.labels)
    seen: dict[Any, tuple[Any, str]] = {}
    for number, path in enumerate(config.input):
        examples, wrong = scan_examples(path)
        problems += wrong
        if not examples and not wrong:
            problems.append(Problem(path, "at least one text", "none", "give a file with texts"))
        if number == 0 and not config.labels:
            known = {label for example in examples for label in _labels(example)}
        for example in examples:
            problems += _mistakes(example, known)
            _count(example, result, config.max_length, seen)
        if progress is not None:
            progress("validate", number + 1, len(config.input))
    if problems:
        raise UserError(*problems)
    return result


def _mistakes(example: Example, known: set[str]) -> Iterable[Problem]:
    for label in sorted({label for label in _labels(example) if label not in known}):
        yield Problem(example.where, "a known label", f"'{label}'", "mend it, or name it with --labels")
    for key, count in Counter(entity.key for entity in example.entities or ()).items():
        if count > 1:
            yield Problem(example.where, "each entity once", f"{list(key)} {count} times", "delete the others")


def _count(example: Example, result: ValidateResult, max_length: int, seen: dict[Any, tuple[Any, str]]) -> None:
    result.examples += 1
    result.characters += len(example.text)
    result.longest = max(result.longest, len(example.text))
    result.long += len(example.text) > max_length
    result.labels.update(_labels(example))
    result.extra_keys.update(list(example.extra))
    spans = sorted((e.start, e.end) for e in example.entities or ())
    result.overlapping += sum(b[0] < a[1] for place, a in enumerate(spans) for b in spans[place + 1 :] if b[0] < a[1])
    key = (example.text, example.text_pair, example.question)
    said = (example.label, example.labels, example.entities, example.answers, example.target)
    if key not in seen:
        seen[key] = (said, example.where)
    else:
        (result.duplicates if seen[key][0] == said else result.contradictions).append(example.where)


def _labels(example: Example) -> list[str]:
    labels = [] if example.label is None else [example.label]
    labels += example.labels or ()
    labels += [entity.type for entity in example.entities or ()]
    labels += [relation.predicate for relation in example.relations or ()]
    for event in example.events or ():
        labels += [event.type, *(f"{event.type}/{argument.role}" for argument in event.arguments)]
    return labels


def _first(places: list[str]) -> str:
    return f" (first: {places[0]})" if places else ""
