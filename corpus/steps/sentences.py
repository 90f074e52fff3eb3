"""Sentences, with the closing quotation marks and brackets that belong to them."""

from __future__ import annotations

import dataclasses
import re

from corpus.document import Document

# A run of closing signs after an end mark belongs to the sentence; a full stop between digits or Latin letters is none.
_SENTENCE = re.compile(
    r"""[^。！？!?…；\n]*?(?:(?:[。！？!?]|…{1,2}|；)+[”’」』）)\]】》"']*|\n|$)""",
)


def split_sentences(text: str) -> list[str]:
    """Return a text's sentences; joined without anything between they give the text again, line ends left out.

    >>> split_sentences("他说：“走吧！”于是走了。真的？……")
    ['他说：“走吧！”', '于是走了。', '真的？……']
    """
    parts = (match[0].strip("\n") for match in _SENTENCE.finditer(text))
    return [part for part in parts if part.strip()]


def sentences(document: Document) -> Document:
    """Return the document with one sentence a line, paragraphs divided by blank lines."""
    paragraphs = (paragraph for paragraph in document.text.split("\n") if paragraph.strip())
    text = "\n\n".join("\n".join(part.strip() for part in split_sentences(paragraph)) for paragraph in paragraphs)
    return document if text == document.text else dataclasses.replace(document, text=text)
