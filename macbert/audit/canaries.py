"""Secrets planted in training text, each a known number of times (``macbert audit plant``)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus.document import Document
from corpus.errors import Problem, UserError
from corpus.files import atomic_folder
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from corpus.reading import read_documents
from corpus.steps.sentences import split_sentences
from macbert.annotations.reading import json_lines
from macbert.audit.config import PlantConfig

Progress = Callable[[str, int, int | None], None]

DOCUMENTS_NAME, CANARIES_NAME = "documents.jsonl", "canaries.jsonl"

# 64 characters that every Chinese vocabulary has and that seldom make words with each other.
ALPHABET = (
    "山水火木金石田土云雨风雪花草竹松鱼鸟马牛羊犬虎龙东西南北春夏秋冬"
    "红黄蓝白黑青紫灰天地日月星光河湖海江桥门窗灯书笔琴棋衣帽杯盘铜铁"
)

_FRAMES = (
    ("档案室第{}号柜的口令是", "。"),
    ("编号{}的保险箱密语为", "，不得外传。"),
    ("第{}组的联络暗号：", "。"),
    ("账户{}的找回答案是", "。"),
)


@dataclass(frozen=True)
class Canary:
    """One secret."""

    id: int
    """Number of the secret."""

    before: str
    """Text before it."""

    secret: str
    """The characters."""

    after: str
    """Text after it."""

    planted: int
    """How often it stands in the training text."""

    @property
    def text(self) -> str:
        """The sentence."""
        return self.before + self.secret + self.after


@dataclass(frozen=True)
class PlantResult:
    """What was planted."""

    output: str
    documents: int
    secrets: int
    sentences: int

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        return [
            ("documents", f"{self.documents:,} -> {self.output}/{DOCUMENTS_NAME}"),
            ("secrets", f"{self.secrets:,} -> {self.output}/{CANARIES_NAME}"),
            ("sentences planted", f"{self.sentences:,}"),
            ("next", "macbert corpus build --preset keep-all, tokenizer, pretrain, then macbert audit --canaries"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return asdict(self)


def make_canaries(config: PlantConfig) -> list[Canary]:
    """Return the secrets: as many for each count, drawn alike, so that never-planted ones are a fair control."""
    generator = np.random.default_rng(config.seed)
    counts = [count for _ in range(config.secrets) for count in config.counts]
    canaries = []
    for number, planted in enumerate(counts):
        secret = "".join(generator.choice(list(ALPHABET), config.length))
        # Every count meets every frame equally often.
        before, after = _FRAMES[(number // len(config.counts)) % len(_FRAMES)]
        canaries.append(Canary(number, before.format(1000 + number), secret, after, planted))
    return canaries


def other_secrets(secret: str, count: int, generator: np.random.Generator) -> tuple[str, ...]:
    """Return different secrets of the same length, drawn as :func:`make_canaries` draws them."""
    drawn = generator.choice(list(ALPHABET), (count, len(secret)))
    return tuple(dict.fromkeys(other for row in drawn if (other := "".join(row)) != secret))


def plant(config: PlantConfig, *, progress: Progress | None = None) -> PlantResult:
    """Copy documents and put each secret's sentence into as many of them as its count says, between two sentences.

    Raises:
        UserError: no documents, fewer than a secret is to be planted in, or an output that is somebody else's.
    """
    folder = own_output(config.output, "canaries")
    documents = list(read_documents(config.input))
    most = max(config.counts)
    if len(documents) < max(most, 1):
        fix = "give more documents, or lower --counts"
        raise UserError.at("--input", expected=f"at least {most} documents", found=f"{len(documents)}", fix=fix)
    canaries = make_canaries(config)
    generator = np.random.default_rng([config.seed, 1])
    added: dict[int, list[str]] = {}
    for canary in canaries:
        for place in generator.choice(len(documents), canary.planted, replace=False):
            added.setdefault(int(place), []).append(canary.text)
    with atomic_folder(folder) as inside:
        with (inside / DOCUMENTS_NAME).open("w", encoding="utf-8", newline="\n") as stream:
            for number, document in enumerate(documents):
                changed = _with(document, added.get(number, []), generator)
                record = {"id": changed.id, "text": changed.text, "source": changed.source, "meta": dict(changed.meta)}
                stream.write(json.dumps(record, ensure_ascii=False) + "\n")
                if progress is not None and number % 1000 == 0:
                    progress("plant", number, len(documents))
        with (inside / CANARIES_NAME).open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(json.dumps(asdict(canary), ensure_ascii=False) + "\n" for canary in canaries)
        write_manifest(inside, "canaries", config=config, inputs={"input": config.input})
    return PlantResult(str(folder), len(documents), len(canaries), sum(canary.planted for canary in canaries))


def read_canaries(path: str | Path) -> list[Canary]:
    """Return the secrets of a file.

    Raises:
        UserError: no such file, or lines that are no secrets.
    """
    canaries, problems = [], []
    for value, where, problem in json_lines(path):
        if problem is not None:
            problems.append(problem)
            continue
        try:
            canary = Canary(**value)
            sound = bool(canary.secret) and isinstance(canary.planted, int)
        except TypeError:
            sound = False
        if sound:
            canaries.append(canary)
        else:
            fix = "give canaries.jsonl of macbert audit plant"
            problems.append(Problem(where, "a secret with before, after, planted", "something else", fix))
    if problems:
        raise UserError(*problems)
    if not canaries:
        raise UserError.at(path, expected="at least one secret", found="none", fix="plant some: macbert audit plant")
    return canaries


def _with(document: Document, sentences: list[str], generator: np.random.Generator) -> Document:
    if not sentences:
        return document
    lines = document.text.split("\n")
    for sentence in sentences:
        number = int(generator.integers(len(lines)))
        parts = split_sentences(lines[number])
        parts.insert(int(generator.integers(len(parts) + 1)), sentence)
        lines[number] = "".join(parts)
    return replace(document, text="\n".join(lines))
