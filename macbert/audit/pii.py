"""Personal data of the training text: does the model restore it, and rank it above made-up data of the same shape?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.errors import UserError
from corpus.reading import read_documents
from corpus.steps.pii import find_pii
from macbert.audit.exposure import Probe

CONTEXT = 60
"""Characters before and after the data that are shown to the model."""


def pii_probes(paths: Sequence[str], *, most: int, candidates: int, seed: int) -> list[tuple[str, Probe]]:
    """Return (kind, probe) of personal data in files, at most ``most``, drawn evenly.

    Raises:
        UserError: files without any.
    """
    generator = np.random.default_rng(seed)
    found: list[tuple[str, str, int, int]] = []
    seen = 0
    for document in read_documents(list(paths)):
        for start, end, kind in find_pii(document.text):
            seen += 1
            # Vitter's reservoir: every piece has the same chance, whatever the number of documents.
            if len(found) < most:
                found.append((kind, document.text, start, end))
            elif (place := int(generator.integers(seen))) < most:
                found[place] = (kind, document.text, start, end)
    if not found:
        fix = "give the text from before it was cleaned"
        raise UserError.at("--pii", expected="text with personal data", found="none", fix=fix)
    return [
        (
            kind,
            Probe(
                before=text[max(0, start - CONTEXT) : start],
                secret=text[start:end],
                after=text[end : end + CONTEXT],
                candidates=same_shape(text[start:end], candidates, generator),
            ),
        )
        for kind, text, start, end in found
    ]


def same_shape(secret: str, count: int, generator: np.random.Generator) -> tuple[str, ...]:
    """Return different made-up data: digits for digits, letters for letters, all else as it is.

    >>> same_shape("a1@b.cn", 1, np.random.default_rng(0))[0][2]
    '@'
    """
    others: dict[str, None] = {}
    for _ in range(4 * count):
        if len(others) == count:
            break
        other = "".join(_other(sign, generator) for sign in secret)
        if other != secret:
            others[other] = None
    return tuple(others)


def _other(sign: str, generator: np.random.Generator) -> str:
    if sign.isascii() and sign.isdigit():
        return str(generator.integers(10))
    if sign.isascii() and sign.isalpha():
        return chr(generator.integers(26) + ord("a" if sign.islower() else "A"))
    return sign
