"""Simplified or Traditional: voted over the whole document, recorded, and converted on request."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Literal

from corpus.document import Document
from corpus.errors import MissingExtra

# Hanzi that only one of the two scripts writes, in pairs, among the most frequent of both.
_SIMPLIFIED = (
    "国会发当时经业来对实为这机动学关长无过进门问电车东见马书风飞语说话谁"
    "请让认识讲论谢听军农医区华单卖买员组织级红约给线结绝"
)
_TRADITIONAL = (
    "國會發當時經業來對實為這機動學關長無過進門問電車東見馬書風飛語說話誰"
    "請讓認識講論謝聽軍農醫區華單賣買員組織級紅約給線結絕"
)
_VOTES = {ord(sign): -1 for sign in _SIMPLIFIED} | {ord(sign): 1 for sign in _TRADITIONAL}
_ONLY = frozenset(_SIMPLIFIED) | frozenset(_TRADITIONAL)
_SAMPLE = 20_000


def script(document: Document, *, convert: Literal["tw2s", "t2s", "s2t", "s2tw"] | None = None) -> Document:
    """Return the document with ``meta["script"]`` (``Hans``, ``Hant``, ``mixed``, ``unknown``), converted if asked.

    Args:
        convert: an OpenCC conversion for documents in the other script or mixed; ``tw2s`` also mends 看著 -> 看着,
            which ``t2s`` leaves. ``meta["script"]`` stays what it was, ``meta["converted"]`` names the conversion.

    Raises:
        MissingExtra: conversion is asked for and OpenCC is not installed.

    >>> script(Document("1", "他看著這本書"), convert="tw2s").text
    '他看着这本书'
    """
    found = vote(document.text)
    meta = {**document.meta, "script": found}
    text = document.text
    if convert is not None and found in (("Hant", "mixed") if convert.endswith("2s") else ("Hans", "mixed")):
        text = _converter(convert)(text)
        meta["converted"] = convert
    return dataclasses.replace(document, text=text, meta=meta)


def vote(text: str) -> str:
    """Return the script of a text by the hanzi that only one script writes; ``mixed`` where a tenth says otherwise."""
    signs = [sign for sign in text[:_SAMPLE] if sign in _ONLY]
    if not signs:
        return "unknown"
    traditional = sum(_VOTES[ord(sign)] > 0 for sign in signs) / len(signs)
    return "Hant" if traditional > 0.9 else "Hans" if traditional < 0.1 else "mixed"


@functools.cache
def _converter(name: str) -> Callable[[str], str]:
    try:
        import opencc
    except ImportError:
        raise MissingExtra("opencc", "corpus", "script conversion") from None
    convert: Callable[[str], str] = opencc.OpenCC(name).convert
    return convert
