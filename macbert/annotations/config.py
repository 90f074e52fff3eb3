"""What ``macbert data convert`` and ``macbert data validate`` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from corpus.errors import UserError

FormatName = Literal[
    "macbert",
    "cluener",
    "cmeee",
    "conll",
    "brat",
    "doccano",
    "label-studio",
    "duie",
    "duee",
    "squad",
    "sighan",
    "tsv",
    "plain-tags",
    "plain-triples",
    "plain-documents",
    "plain-events",
    "plain-reading",
    "fewclue",
    "nyt",
    "ace05",
]


@dataclass(kw_only=True)
class ConvertConfig:
    """One conversion to or from the annotation format."""

    source: FormatName
    """Format of the input."""

    input: str
    """File to read (for brat: a folder of .txt and .ann files)."""

    output: str
    """File to write (for brat: a folder)."""

    target: FormatName = "macbert"
    """Format of the output; one of source and target is macbert."""

    strict: bool = False
    """Stop at mistakes of the source; otherwise they are listed, counted and left out."""

    label_column: int = -1
    """For conll: column of the tag, counted from 0; -1 is the last."""

    separator: str = ""
    """For conll: what joins the words of a line (nothing for Chinese, a space for English)."""


@dataclass(kw_only=True)
class ValidateConfig:
    """One check of labelled texts."""

    input: list[str]
    """Files in the annotation format; the first one's labels are those that the others may have."""

    labels: list[str] = field(default_factory=list)
    """Labels that may occur; default: those of the first file."""

    max_length: int = 512
    """Characters above which a text is counted as long."""

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise UserError.at("--max-length", expected="1 or more", found=str(self.max_length), fix="mend the value")
