"""Sentences, with the closing quotation marks and brackets that belong to them."""

from __future__ import annotations

import dataclasses
import itertools

from corpus.document import Document


def split_sentences(text: str) -> list[str]:
    """Return a text's sentences without the white space around them, cut where ``corpus.sentence_starts`` says.

    The tokens of a corpus have the same sentences: there is one rule for both.

    >>> split_sentences("他说：“走吧！”于是走了。真的？……")
    ['他说：“走吧！”', '于是走了。', '真的？……']
    """
    import numpy as np

    from corpus.dedup.minhash import code_points  # compiled code, a second: loaded by who needs it
    from corpus.sentence_starts import mark_sentences

    starts = np.flatnonzero(mark_sentences(code_points(text), np.array([0, len(text)]))).tolist()
    parts = (text[start:end].strip() for start, end in itertools.pairwise([*starts, len(text)]))
    return [part for part in parts if part]


def sentences(document: Document) -> Document:
    """Return the document with one sentence a line, paragraphs divided by blank lines."""
    paragraphs = (paragraph for paragraph in document.text.split("\n") if paragraph.strip())
    text = "\n\n".join("\n".join(split_sentences(paragraph)) for paragraph in paragraphs)
    return document if text == document.text else dataclasses.replace(document, text=text)
