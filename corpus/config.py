"""The settings of the corpus commands, each with the line that is its flag's help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from corpus.errors import Problem, UserError


@dataclass(kw_only=True)
class CorpusConfig:
    """Settings of ``macbert corpus build``: raw files of any format to clean, deduplicated documents."""

    input: list[str]
    """Files, folders, patterns, corpus folders, hf:NAME (a Hugging Face data set) or - (standard input)."""

    output: str
    """Folder for the corpus: Parquet shards, rejected documents by reason, report, manifest."""

    preset: str = "default"
    """Steps to take: default, web, keep-all, or a YAML file with a list of steps."""

    steps: list[str | dict[str, Any]] | None = None
    """The steps themselves, in order, in place of a preset's (in a recipe: '- length: {min_chars: 5}')."""

    evaluation: list[str] | None = None
    """Evaluation sets: documents that hold half of the 13-grams of one of their examples are dropped."""

    text_key: str = "text"
    """Key or column that holds the text."""

    id_key: str = "id"
    """Key or column that holds a document's id; without one it is the source's name and its line's or row's number."""

    txt_unit: Literal["blank-line", "line", "file"] = "blank-line"
    """What a document is in a plain text file: text between blank lines, a line, or the whole file."""

    max_bad_ratio: float = 0.01
    """Share of records in quarantine above which the build stops, 0 to 1."""

    max_record_bytes: int = 1 << 26
    """Longest record in bytes; a longer one goes to quarantine without being held in memory."""

    part_bytes: int = 1 << 26
    """A larger jsonl or txt file that is not compressed is read in parts of this size, a shard each."""

    workers: int = 1
    """Processes that read and clean files; the result is the same bytes for any number."""

    memory: int = 1024
    """Megabytes for the tables in which duplicates are found; above it they are compared in parts from the disk."""

    engine: Literal["local", "ray"] = "local"
    """Where the work runs: processes of this machine, or a Ray cluster (its nodes must see the same folders)."""

    address: str | None = None
    """Ray cluster to join, such as auto or ray://host:10001; without one a cluster of this machine is started."""

    def __post_init__(self) -> None:
        problems = []

        def check(name: str, fine: bool, expected: str, fix: str) -> None:
            if not fine:
                flag = "--" + name.replace("_", "-")
                problems.append(Problem(flag, expected, repr(getattr(self, name)), fix))

        if isinstance(self.input, str):
            self.input = [self.input]
        check("input", bool(self.input), "at least one file or folder", "name what to read")
        check("output", bool(self.output), "a folder", "name where to write")
        check("text_key", bool(self.text_key), "a key's name", "name the key that holds the text")
        check("max_bad_ratio", 0 <= self.max_bad_ratio <= 1, "a share between 0 and 1", "0.01 is one in a hundred")
        check("max_record_bytes", self.max_record_bytes >= 1024, "1024 bytes or more", "give a larger limit")
        check("part_bytes", self.part_bytes >= 1024, "1024 bytes or more", "give a larger size")
        check("memory", self.memory >= 1, "1 or more", "give megabytes")
        check("address", self.address is None or self.engine == "ray", "no address", "give --engine ray with it")
        check("workers", self.workers >= 1, "1 or more", "give the number of processes")
        if problems:
            raise UserError(*problems)


@dataclass(kw_only=True)
class VerifyCorpusConfig:
    """Settings of ``macbert corpus verify``: recompute the hashes and counts of a corpus folder."""

    folder: str
    """Corpus folder that ``macbert corpus build`` made."""


@dataclass(kw_only=True)
class ReportCorpusConfig:
    """Settings of ``macbert corpus report``: what was read, kept and dropped, and why."""

    folder: str
    """Corpus folder that ``macbert corpus build`` made."""


@dataclass(kw_only=True)
class TrainScoreConfig:
    """Settings of ``macbert corpus score train``: examples to a classifier for the steps quality and harm."""

    positive: list[str]
    """Files with examples of the class that is to score high (good text for quality, harmful text for harm)."""

    negative: list[str]
    """Files with examples of the other class."""

    output: str
    """Folder for the classifier."""

    rubric: str | None = None
    """File that says how the examples were judged; a copy is kept beside the classifier (see recipes/corpus)."""

    text_key: str = "text"
    """Key or column that holds the text."""

    epochs: int = 5
    """Passes over the examples."""

    seed: int = 0
    """Number that the order of the examples is drawn from."""

    def __post_init__(self) -> None:
        problems = []
        for name in ("positive", "negative"):
            if not getattr(self, name):
                problems.append(Problem(f"--{name}", "at least one file", "none", "name files with examples"))
        if self.epochs < 1:
            problems.append(Problem("--epochs", "1 or more", str(self.epochs), "give the number of passes"))
        if self.rubric is not None and not Path(self.rubric).is_file():
            problems.append(Problem("--rubric", "a file", self.rubric, "check the path"))
        if problems:
            raise UserError(*problems)
