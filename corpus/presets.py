"""Lists of steps: found by a preset's name or file, checked, and made into functions."""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from corpus.document import Document
from corpus.errors import Problem, UserError
from corpus.files import read_text

Step = Callable[[Document], Document | str | None]

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (_PACKAGE.parent / "recipes" / "corpus", _PACKAGE.parent / "macbert" / "recipes" / "corpus")

DOCUMENT_STEPS = {
    "normalise": "corpus.steps.normalise",
    "length": "corpus.steps.length",
    "markup": "corpus.steps.markup",
    "repetition": "corpus.steps.repetition",
    "han": "corpus.steps.characters",
    "signs": "corpus.steps.characters",
    "language": "corpus.steps.language",
    "script": "corpus.steps.script",
    "sentences": "corpus.steps.sentences",
    "fineweb2_quality": "corpus.steps.fineweb2",
    "fineweb2_repetition": "corpus.steps.fineweb2",
    "chinesewebtext": "corpus.steps.chinesewebtext",
    "harm": "corpus.steps.scores",
    "quality": "corpus.steps.scores",
    "decontaminate": "corpus.steps.decontaminate",
    "pii": "corpus.steps.pii",
}
"""Steps that look at one document, and the module that has the function of that name."""

CORPUS_STEPS = ("exact_dedup", "near_dedup")
LINE_STEPS = ("boilerplate_lines", "line_dedup")
"""Steps that compare all documents; they come after the others. Those on lines may stand anywhere before them."""

CORPUS_SETTINGS: dict[str, dict[str, Any]] = {
    "exact_dedup": {},
    "near_dedup": {"threshold": 0.7, "cluster_threshold": 0.5, "ngram": 4, "bands": 21, "rows": 6},
    "boilerplate_lines": {"min_documents": 20, "min_chars": 2, "max_chars": 60},
    "line_dedup": {"min_chars": 15, "max_chars": 1 << 31},
}
"""Settings of the steps on many documents and their defaults; near_dedup's are those of ``corpus.dedup.minhash``."""


@dataclass(frozen=True)
class StepSpec:
    """A step's name and the settings that differ from its defaults."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


def load_steps(preset: str, steps: Iterable[str | dict[str, Any]] | None) -> list[StepSpec]:
    """Return the checked steps of a list, or where that is None of a preset's name or YAML file.

    Raises:
        UserError: listing everything wrong: an unknown preset, step or setting (with the nearest known name), a step
            twice, a document step after a corpus step.
    """
    where = "--steps"
    if steps is None:
        path = _find(preset)
        where = str(path)
        content = _read(path)
        if not isinstance(content, dict) or not isinstance(content.get("steps"), list):
            fix = "see recipes/corpus/default.yaml"
            raise UserError.at(path, expected="'steps:' with a list of steps", found="something else", fix=fix)
        steps = content["steps"]
    problems: list[Problem] = []
    specs: list[StepSpec] = []
    for number, step in enumerate(steps, 1):
        spec = _spec(f"{where}, step {number}", step, problems)
        if spec is None:
            continue
        if any(spec.name == other.name for other in specs):
            problems.append(Problem(f"{where}, step {number}", "each step once", f"{spec.name} again", "remove one"))
        if spec.name not in CORPUS_STEPS and any(other.name in CORPUS_STEPS for other in specs):
            expected = "steps on one document before steps on the whole corpus"
            problems.append(Problem(f"{where}, step {number}", expected, spec.name, f"move it before {specs[-1].name}"))
        specs.append(spec)
    if problems:
        raise UserError(*problems)
    return specs


def document_steps(specs: Iterable[StepSpec]) -> list[tuple[str, Step]]:
    """Return the functions of the steps on one document, by name, in order."""
    return [
        (spec.name, functools.partial(_function(spec.name), **spec.settings))
        for spec in specs
        if spec.name not in CORPUS_SETTINGS
    ]


def stages(specs: Iterable[StepSpec]) -> list[tuple[list[StepSpec], StepSpec | None]]:
    """Return the document steps in runs, each with the step on lines that ends it; the last run ends with None.

    A step on lines needs to see all documents first, so a build goes over them once for each run.
    """
    runs: list[tuple[list[StepSpec], StepSpec | None]] = []
    waiting: list[StepSpec] = []
    for spec in specs:
        if spec.name in LINE_STEPS:
            runs.append((waiting, StepSpec(spec.name, {**CORPUS_SETTINGS[spec.name], **spec.settings})))
            waiting = []
        elif spec.name not in CORPUS_STEPS:
            waiting.append(spec)
    return [*runs, (waiting, None)]


def corpus_step(specs: Iterable[StepSpec], name: str) -> dict[str, Any] | None:
    """Return the settings of a step on the whole corpus, or None where it is not asked for."""
    return next(({**CORPUS_SETTINGS[name], **spec.settings} for spec in specs if spec.name == name), None)


def with_decontamination(specs: list[StepSpec], against: list[str]) -> list[StepSpec]:
    """Return the steps with ``decontaminate`` against these files, put before the corpus steps if not there yet."""
    if any(spec.name == "decontaminate" for spec in specs):
        return [
            StepSpec(spec.name, {**spec.settings, "against": against}) if spec.name == "decontaminate" else spec
            for spec in specs
        ]
    place = next((number for number, spec in enumerate(specs) if spec.name in CORPUS_STEPS), len(specs))
    return [*specs[:place], StepSpec("decontaminate", {"against": against}), *specs[place:]]


def _find(preset: str) -> Path:
    if preset.endswith((".yaml", ".yml")):
        path = Path(preset)
        if not path.is_file():
            raise UserError.at(preset, expected="a YAML file of steps", found="no such file", fix="check the path")
        return path
    for folder in _FOLDERS:
        if (folder / f"{preset}.yaml").is_file():
            return folder / f"{preset}.yaml"
    known = sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.yaml")})
    fix = f"give one of {', '.join(known)}, or a YAML file"
    raise UserError.at("--preset", expected="a preset's name", found=repr(preset), fix=fix)


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(read_text(path, "a preset"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError.at(f"{path}:{line}", expected="YAML", found=str(error.problem), fix="mend the line") from None


def _spec(where: str, step: object, problems: list[Problem]) -> StepSpec | None:
    name: object
    settings: Any
    if isinstance(step, str):
        name, settings = step, {}
    elif isinstance(step, dict) and len(step) == 1:
        ((name, settings),) = step.items()
        settings = settings if settings is not None else {}
    else:
        problems.append(Problem(where, "a name, or 'name: {setting: value}'", repr(step), "one step a list item"))
        return None
    known = (*DOCUMENT_STEPS, *LINE_STEPS, *CORPUS_STEPS)
    if not isinstance(name, str) or (name not in known and ":" not in name):
        near = difflib.get_close_matches(str(name), known, 1)
        fix = f"did you mean {near[0]}?" if near else f"give one of {', '.join(known)}, or module:function of your own"
        problems.append(Problem(where, "a step's name", repr(name), fix))
        return None
    if not isinstance(settings, dict):
        problems.append(Problem(f"{where} ({name})", "settings as 'name: value'", repr(settings), "see the presets"))
        return None
    try:
        allowed = _settings_of(name)
    except (ImportError, AttributeError) as error:
        problems.append(Problem(where, f"a function {name}", str(error), "check the module's name and PYTHONPATH"))
        return None
    for key in settings:
        if key not in allowed:
            near = difflib.get_close_matches(str(key), allowed, 1)
            fix = f"did you mean {near[0]}?" if near else f"known: {', '.join(allowed) or 'none'}"
            problems.append(Problem(f"{where} ({name})", "a setting of the step", repr(key), fix))
    return StepSpec(name, dict(settings))


def _settings_of(name: str) -> list[str]:
    if name in CORPUS_SETTINGS:
        return list(CORPUS_SETTINGS[name])
    parameters = inspect.signature(_function(name)).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


def _function(name: str) -> Callable[..., Document | str | None]:
    module, _, function = name.partition(":") if ":" in name else (DOCUMENT_STEPS[name], "", name)
    return getattr(importlib.import_module(module), function)
