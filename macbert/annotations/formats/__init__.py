"""Other people's formats. A reader yields examples and problems in the order of the file; nothing is lost silently."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from corpus.errors import Problem, UserError
from macbert.annotations.schema import Example

Reader = Callable[..., Iterator["Example | Problem"]]
Writer = Callable[..., None]

_READERS = {
    "macbert": "own:read_own",
    "cluener": "surfaces:read_cluener",
    "cmeee": "surfaces:read_cmeee",
    "conll": "conll:read_conll",
    "brat": "brat:read_brat",
    "doccano": "doccano:read_doccano",
    "label-studio": "label_studio:read_label_studio",
    "duie": "duie:read_duie",
    "duee": "duee:read_duee",
    "squad": "squad:read_squad",
    "sighan": "sighan:read_sighan",
    "tsv": "tables:read_tsv",
    "plain-tags": "word_tags:read_tags",
    "plain-triples": "triples:read_triples",
    "plain-documents": "documents:read_documents",
    "plain-events": "cec:read_events",
    "plain-reading": "questions:read_reading",
    "fewclue": "fewclue:read_fewclue",
    "nyt": "english:read_nyt",
    "ace05": "english:read_ace",
}

_WRITERS = {
    "macbert": "own:write_own",
    "cluener": "surfaces:write_cluener",
    "cmeee": "surfaces:write_cmeee",
    "conll": "conll:write_conll",
    "brat": "brat:write_brat",
    "doccano": "doccano:write_doccano",
    "label-studio": "label_studio:write_label_studio",
    "duie": "duie:write_duie",
    "duee": "duee:write_duee",
    "squad": "squad:write_squad",
    "sighan": "sighan:write_sighan",
    "tsv": "tables:write_tsv",
    "plain-tags": "word_tags:write_tags",
    "plain-triples": "triples:write_triples",
    "plain-documents": "documents:write_documents",
    "plain-events": "cec:write_events",
    "plain-reading": "questions:write_reading",
    "fewclue": "fewclue:write_fewclue",
}


def read_format(name: str, path: str | Path, **options: Any) -> Iterator[Example | Problem]:
    """Yield the examples of a file in a named format, and a problem for each record (or part of one) left out."""
    path = Path(path)
    if not path.exists():
        raise UserError.at(path, expected=f"{name} data", found="nothing", fix="check the path")
    reader: Reader = _load(_READERS[name])
    return reader(path, **options)


def write_format(name: str, path: str | Path, examples: Iterable[Example]) -> None:
    """Write examples in a named format, whole or not at all.

    Raises:
        UserError: examples that the format has no words for.
    """
    _load(_WRITERS[name])(Path(path), list(examples))


def _load(reference: str) -> Any:
    module, name = reference.split(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
