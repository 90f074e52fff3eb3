"""``macbert corpus score train``: examples of two classes to a classifier for the steps quality and harm."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.config import TrainScoreConfig
from corpus.dry_run import About, Plan, clocked, planned, resident_bytes, sizes
from corpus.errors import UserError
from corpus.files import atomic_folder, read_text, sha256_file
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from corpus.reading import read_documents
from corpus.scoring.classifier import TextClassifier
from corpus.steps.normalise import normalise_text


@dataclass(frozen=True)
class ScoreResult:
    """A trained classifier and how well it does on examples that it did not see."""

    folder: str
    examples: int
    heldout: int
    accuracy: float
    auc: float

    def summary(self) -> list[tuple[str, str]]:
        """Return the result as lines of label and value."""
        quality = f"accuracy {self.accuracy:.4f}, AUC {self.auc:.4f} on {self.heldout} held-out examples"
        return [("classifier", self.folder), ("trained on", f"{self.examples} examples"), ("held out", quality)]


def train_score(
    config: TrainScoreConfig, progress: Callable[[str, int, int | None], None] | None = None
) -> ScoreResult:
    """Train a classifier that gives the probability of the positive class.

    Equal texts are used once; a tenth (by the text's hash, so never by order) is held out and measured.

    Raises:
        UserError: no examples of a class, or a text in both; the output may not be written.
    """
    output = own_output(config.output, "score")
    rubric = None if config.rubric is None else read_text(config.rubric, "a rubric")
    examples: dict[str, int] = {}
    for label, paths in ((1, config.positive), (0, config.negative)):
        for document in read_documents(paths, text_key=config.text_key):
            text = normalise_text(document.text)
            if examples.setdefault(text, label) != label:
                found = f"{document.id} of {document.source} in both"
                where = "--positive/--negative"
                raise UserError.at(where, expected="a text in one class", found=found, fix="remove one")
    texts = sorted(text for text in examples if text)
    is_held = [hashlib.blake2b(text.encode(), digest_size=1).digest()[0] < 26 for text in texts]
    held = [text for text, out in zip(texts, is_held, strict=True) if out]
    kept = [text for text, out in zip(texts, is_held, strict=True) if not out]
    for label, name in ((1, "--positive"), (0, "--negative")):
        if (count := sum(examples[text] == label for text in kept)) < 10:
            fix = "give more examples"
            raise UserError.at(name, expected="10 different texts or more", found=str(count), fix=fix)
    planned(lambda: _plan(config, kept))
    model = TextClassifier.train(kept, [examples[text] for text in kept], epochs=config.epochs, seed=config.seed)
    scores = np.array([model.probability(text) for text in held])
    labels = np.array([examples[text] for text in held], dtype=np.int64)
    accuracy = float(((scores > 0.5) == labels).mean()) if len(held) else float("nan")
    result = ScoreResult(str(output), len(kept), len(held), accuracy, _auc(scores, labels))
    with atomic_folder(output) as folder:
        model.save(folder)
        measured = {"accuracy": result.accuracy, "auc": result.auc}
        quality = {name: None if math.isnan(value) else value for name, value in measured.items()}
        (folder / "score.json").write_text(json.dumps({**quality, "heldout": len(held)}), encoding="utf-8")
        if rubric is not None:
            (folder / "rubric.md").write_text(rubric, encoding="utf-8")
        named = [Path(path) for path in (*config.positive, *config.negative)]
        inputs = {path.name: sha256_file(path) for path in named if path.is_file()}
        write_manifest(folder, "score", config=config, inputs=inputs)
    return result


def _plan(config: TrainScoreConfig, texts: list[str]) -> Plan:
    some = texts[:200]
    seconds = clocked(lambda: TextClassifier.train(some, [n % 2 for n in range(len(some))], epochs=config.epochs))
    return Plan(
        sizes([*config.positive, *config.negative, config.rubric]),
        [config.output],
        About(seconds * len(texts) / len(some), f"{len(some)} of {len(texts):,} examples timed"),
        About(resident_bytes(), "this process, which has read the examples"),
        About(4 * len(TextClassifier.train([], []).weights), "the weights"),
    )


def _auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the chance that a positive example scores above a negative one (ties count half)."""
    positive, negative = scores[labels == 1], np.sort(scores[labels == 0])
    if not len(positive) or not len(negative):
        return float("nan")
    below, not_above = np.searchsorted(negative, positive, "left"), np.searchsorted(negative, positive, "right")
    return float((below + not_above).mean() / 2 / len(negative))
