"""Group gaps: does a target draw one group's word more than the other's?

After Kurita et al., "Measuring Bias in Contextualized Word Representations" (2019): the log-probability of a group word
in a sentence about a target, less the same in a sentence about something neutral, so that a word's mere frequency
cancels. The gap is the first group's association less the second's, in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import yaml

from corpus.errors import Problem, UserError
from macbert.audit.intervals import bootstrap_mean
from macbert.audit.scoring import Row, Scorer


@dataclass(frozen=True)
class Dimension:
    """Two groups, and what is said of them."""

    name: str
    groups: tuple[str, str]
    pairs: tuple[tuple[str, str], ...]
    neutral: str
    templates: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """One target's gap."""

    dimension: str
    target: str
    toward: str
    """The group that the target draws."""
    gap: float
    """Mean over templates and pairs, in nats; above 0 toward the first group."""
    low: float
    high: float
    """95 % bootstrap interval over (template, pair)."""
    samples: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0; of many targets one in twenty does so by chance."""
        return self.low > 0 or self.high < 0


def read_dimensions(source: str) -> list[Dimension]:
    """Return the dimensions of a YAML file, or the built-in ones.

    Raises:
        UserError: no such file, not YAML, or a dimension with a part that is missing or does not fit.
    """
    if source == "built-in":
        text = (resources.files("macbert.audit.probes") / "bias.yaml").read_text(encoding="utf-8")
    else:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UserError.at("--bias", expected="a UTF-8 YAML file", found=source, fix="check the path") from None
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError.at(source, expected="YAML", found=str(error).splitlines()[0], fix="mend the file") from None
    problems: list[Problem] = []
    found = []
    for name, parts in (value if isinstance(value, dict) else {}).items():
        dimension = _dimension(str(name), parts, source, problems)
        if dimension is not None:
            found.append(dimension)
    if not found and not problems:
        problems.append(Problem(source, "a dimension with groups, pairs, templates, targets", "none", "add one"))
    if problems:
        raise UserError(*problems)
    return found


def gaps(scorer: Scorer, dimension: Dimension, *, resamples: int, seed: int) -> list[Gap]:
    """Return every target's gap with its interval."""
    generator = np.random.default_rng(seed)
    told = ["", *dimension.targets]  # "" is the neutral one
    rows: list[Row] = []
    keys: list[tuple[int, int, int]] = []
    for number, template in enumerate(dimension.templates):
        for which, pair in enumerate(dimension.pairs):
            for place, target in enumerate(told):
                row = _row(scorer, template, pair, target or dimension.neutral)
                if row is not None:
                    rows.append(row)
                    keys.append((number, which, place))
    scores = {key: float(values[0] - values[1]) for key, values in zip(keys, scorer.score(rows), strict=True)}
    found = []
    for place, target in enumerate(told[1:], 1):
        differences = [
            scores[number, which, place] - scores[number, which, 0]
            for number in range(len(dimension.templates))
            for which in range(len(dimension.pairs))
            if (number, which, place) in scores and (number, which, 0) in scores
        ]
        if differences:
            mean, low, high = bootstrap_mean(differences, resamples=resamples, generator=generator)
            toward = dimension.groups[0] if mean > 0 else dimension.groups[1]
            found.append(Gap(dimension.name, target, toward, mean, low, high, len(differences)))
    return found


def _row(scorer: Scorer, template: str, pair: tuple[str, str], target: str) -> Row | None:
    """Return the question which word of a pair stands in a sentence; None where they are not as many tokens."""
    placed = []
    for word in pair:
        before = Template(template[: template.index("$group")]).substitute(target=target)
        text = Template(template).substitute(group=word, target=target)
        found = scorer.places(text, len(before), len(before) + len(word))
        if found is None:
            return None
        placed.append(found)
    (first, inside), (second, others) = placed
    if inside != others or len(first) != len(second):
        return None
    wanted = tuple(tuple(ids[place] for place in inside) for ids in (first, second))
    unknown = scorer.tokenizer.unk_token_id
    return None if any(unknown in tokens for tokens in wanted) else Row(tuple(first), tuple(inside), wanted)


def _dimension(name: str, parts: Any, source: str, problems: list[Problem]) -> Dimension | None:
    def wrong(expected: str, found: str) -> None:
        problems.append(Problem(f"{source}: {name}", expected, found, "mend the file"))

    if not isinstance(parts, dict):
        wrong("groups, pairs, neutral, templates, targets", type(parts).__name__)
        return None
    before = len(problems)
    for key in ("groups", "pairs", "neutral", "templates", "targets"):
        if not parts.get(key):
            wrong(f"'{key}'", "none")
    if len(problems) > before:
        return None
    if len(parts["groups"]) != 2:
        wrong("two groups", str(len(parts["groups"])))
    pairs = [tuple(map(str, pair)) if isinstance(pair, Sequence) else () for pair in parts["pairs"]]
    problems += [
        Problem(f"{source}: {name}", "two words of the same length", "/".join(pair), "mend the pair")
        for pair in pairs
        if len(pair) != 2 or len(pair[0]) != len(pair[1])
    ]
    for template in map(str, parts["templates"]):
        if template.count("$group") != 1 or "$target" not in template:
            wrong("templates with $group once, and $target", template)
    if len(problems) > before:
        return None
    return Dimension(
        name,
        (str(parts["groups"][0]), str(parts["groups"][1])),
        tuple((pair[0], pair[1]) for pair in pairs),
        str(parts["neutral"]),
        tuple(map(str, parts["templates"])),
        tuple(map(str, parts["targets"])),
    )
