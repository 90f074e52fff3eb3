"""``macbert data validate``: everything wrong or odd in labelled texts, at once."""

from __future__ import annotations

import bisect
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

    lengths: Counter[int] = field(default_factory=Counter)
    """Texts by length: those of n to 2 n - 1 characters under n, a power of two."""

    duplicates: list[str] = field(default_factory=list)
    """Places of texts that stand earlier in their file too (with the same annotation)."""

    contradictions: list[str] = field(default_factory=list)
    """Places of texts that stand earlier in their file with another annotation."""

    leaks: list[str] = field(default_factory=list)
    """Places of texts that stand in an earlier file too, whatever their annotation."""

    overlapping: int = 0
    """Pairs of entities of a text that overlap (token labels cannot say them)."""

    repeated_relations: int = 0
    """Relations that say what an earlier one of their text says."""

    edges: int = 0
    """Entities, triggers, arguments and answers that begin or end with white space."""

    extra_keys: Counter[str] = field(default_factory=Counter)
    """Keys that no task reads."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        lines = [
            ("texts", f"{self.examples:,}, {self.characters:,} characters, longest {self.longest:,}"),
            ("long texts", f"{self.long:,}"),
            ("said twice", f"{len(self.duplicates):,}" + _first(self.duplicates)),
            ("said twice otherwise", f"{len(self.contradictions):,}" + _first(self.contradictions)),
            ("in an earlier file too", f"{len(self.leaks):,}" + _first(self.leaks)),
            ("overlapping entities", f"{self.overlapping:,}"),
            ("repeated relations", f"{self.repeated_relations:,}"),
            ("spans with white space at an end", f"{self.edges:,}"),
            ("lengths", ", ".join(f"{low:,}-{2 * low - 1:,}: {n:,}" for low, n in sorted(self.lengths.items()))),
        ]
        lines += [("label", f"{label}: {count:,}") for label, count in self.labels.most_common()]
        return lines + [("key kept but not read", f"{key}: {count:,}") for key, count in self.extra_keys.items()]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        counters = {name: dict(value) for name, value in vars(self).items() if isinstance(value, Counter)}
        return {**vars(self), **counters}


def validate(
    config: ValidateConfig, *, progress: Callable[[str, int, int | None], None] | None = None
) -> ValidateResult:
    """Check files in the annotation format.

    Raises:
        UserError: every mistake of every line of every file, unknown labels, repeated entities, empty files.
    """
    result, problems = look_over(config, progress=progress)
    if problems:
        raise UserError(*problems)
    return result


def look_over(
    config: ValidateConfig, *, progress: Callable[[str, int, int | None], None] | None = None
) -> tuple[ValidateResult, list[Problem]]:
    """Return what the sound texts of the files hold, and everything that is wrong in the files.

    Raises:
        UserError: no such file.
    """
    problems: list[Problem] = []
    result = ValidateResult()
    known: set[str] = set(config.labels)
    earlier: dict[Any, Any] = {}
    for number, path in enumerate(config.input):
        examples, wrong = scan_examples(path)
        problems += wrong
        if not examples and not wrong:
            problems.append(Problem(path, "at least one text", "none", "give a file with texts"))
        if number == 0 and not config.labels:
            known = {label for example in examples for label in _labels(example)}
        own: dict[Any, Any] = {}
        for example in examples:
            problems += _mistakes(example, known)
            _count(example, result, config.max_length, own, earlier)
        earlier |= own
        if progress is not None:
            progress("validate", number + 1, len(config.input))
    return result, problems


def _mistakes(example: Example, known: set[str]) -> Iterable[Problem]:
    for label in sorted({label for label in _labels(example) if label not in known}):
        yield Problem(example.where, "a known label", f"'{label}'", "mend it, or name it with --labels")
    for key, count in Counter(entity.key for entity in example.entities or ()).items():
        if count > 1:
            yield Problem(example.where, "each entity once", f"{list(key)} {count} times", "delete the others")


def _count(
    example: Example, result: ValidateResult, max_length: int, own: dict[Any, Any], earlier: dict[Any, Any]
) -> None:
    result.examples += 1
    result.characters += len(example.text)
    result.longest = max(result.longest, len(example.text))
    result.long += len(example.text) > max_length
    result.lengths[1 << len(example.text).bit_length() - 1] += 1
    result.labels.update(_labels(example))
    result.extra_keys.update(list(example.extra))
    spans = sorted((e.start, e.end) for e in example.entities or ())
    starts = [start for start, _ in spans]
    for place, (_, end) in enumerate(spans):
        result.overlapping += max(0, bisect.bisect_left(starts, end) - place - 1)
    said = [(r.subject, r.predicate, r.object, tuple(sorted(r.slots.items()))) for r in example.relations or ()]
    result.repeated_relations += len(said) - len(set(said))
    result.edges += sum(example.slice(span) != example.slice(span).strip() for span in _spans(example))
    key = (example.text, example.text_pair, example.question)
    everything = (
        *(example.label, example.labels, example.entities, example.relations),
        *(example.events, example.answers, example.target),
    )
    if key not in own:
        own[key] = everything
    else:
        (result.duplicates if own[key] == everything else result.contradictions).append(example.where)
    if key in earlier:
        result.leaks.append(example.where)


def _spans(example: Example) -> Iterable[Any]:
    yield from example.entities or ()
    yield from example.answers or ()
    for event in example.events or ():
        yield from (event.trigger,) if event.trigger else ()
        yield from event.arguments


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
