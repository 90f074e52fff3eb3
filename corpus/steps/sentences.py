"""Sentences by their end marks; closing quotes and brackets stay with the sentence that they close."""

from __future__ import annotations

import re

_CLOSING = "”’」』）】》〉〕］｝)\\]}\"'"

# A full-width mark always ends a sentence; ! and ? do not inside a URL or code; a line end always does.
_END = re.compile(
    rf"(?:[。？！…；]|[!?](?![0-9A-Za-z=&/_%+.-]))[。？！…；!?]*[{_CLOSING}]*\s*|\s*\n\s*",
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return half-open character spans that cover the text; white space goes with the sentence before it.

    The rules are those that the authors of Chinese-BERT-wwm name (issue 73: 。？！), with … ； and line ends.

    >>> text = "他说：“好！”然后走了。雨停了"
    >>> [text[start:end] for start, end in split_sentences(text)]
    ['他说：“好！”', '然后走了。', '雨停了']
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if text[start:end].isspace():
            continue
        spans.append((start, end))
        start = end
    if start < len(text):
        if spans and text[start:].isspace():
            spans[-1] = (spans[-1][0], len(text))
        else:
            spans.append((start, len(text)))
    return spans
