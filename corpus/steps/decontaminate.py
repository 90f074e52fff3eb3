"""Documents that hold an evaluation example, so that a model is not tested on what it was trained on."""

from __future__ import annotations

import functools
import re

import numpy as np

from corpus.document import Document
from corpus.errors import UserError
from corpus.inputs import find_inputs
from corpus.readers import BadRecord, ReaderOptions
from corpus.readers.formats import read_records
from corpus.steps.normalise import normalise_text

_NOT_A_WORD = re.compile(r"[\W_]+")


def decontaminate(document: Document, *, against: list[str], ngram: int = 13, min_share: float = 0.5) -> str | None:
    """Return ``in_evaluation_set`` where a document holds at least ``min_share`` of an example's n-grams.

    Letters, digits and hanzi are compared, in lower case, without spaces and punctuation. GPT-3 (Brown et al. 2020,
    appendix C) takes 13-grams of words and drops at one; of characters one is too little (全国人民代表大会常务委员会
    has 13), so a share of the example is asked for. Every string value of a record is an example; those shorter than
    ``ngram`` are left out.

    Args:
        against: files or folders of evaluation sets, in any format that is read.
    """
    hashes, owners, sizes = _examples(tuple(against), ngram)
    mine = _shingles_of(document.text, ngram)
    if not len(mine) or not len(hashes):
        return None
    starts, ends = np.searchsorted(hashes, mine, "left"), np.searchsorted(hashes, mine, "right")
    hit = np.flatnonzero(ends > starts)
    if not len(hit):
        return None
    found = np.bincount(np.concatenate([owners[starts[i] : ends[i]] for i in hit]), minlength=len(sizes))
    return "in_evaluation_set" if (found >= min_share * sizes).any() else None


@functools.cache
def _examples(against: tuple[str, ...], ngram: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (hashes sorted, example of each hash, distinct n-grams of each example)."""
    parts: list[np.ndarray] = []
    seen: set[str] = set()
    for file in find_inputs(list(against)):
        for record in read_records(file, ReaderOptions()):
            if isinstance(record, BadRecord):
                continue
            for value in record.fields.values():
                if isinstance(value, str) and value not in seen:
                    seen.add(value)
                    if len(part := _shingles_of(value, ngram)):
                        parts.append(part)
    if not parts:
        found = f"no text of {ngram} characters or more"
        raise UserError.at(", ".join(against), expected="evaluation examples", found=found, fix="check the files")
    hashes = np.concatenate(parts)
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.argsort(hashes, kind="stable")
    return hashes[order], owners[order], np.array([len(part) for part in parts])


def _shingles_of(text: str, ngram: int) -> np.ndarray:
    from corpus.dedup.minhash import shingles  # compiled code: loaded by who needs it

    plain = _NOT_A_WORD.sub("", normalise_text(text)).lower()
    return shingles(plain, ngram) if len(plain) >= ngram else np.empty(0, dtype=np.uint32)
