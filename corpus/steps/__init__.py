"""Steps: each takes one document and returns it changed, or the reason to drop it, or None to keep it."""

from corpus.steps.characters import han, signs
from corpus.steps.chinesewebtext import chinesewebtext
from corpus.steps.decontaminate import decontaminate
from corpus.steps.fineweb2 import fineweb2_quality, fineweb2_repetition
from corpus.steps.language import language
from corpus.steps.length import length
from corpus.steps.markup import markup
from corpus.steps.normalise import normalise
from corpus.steps.pii import pii
from corpus.steps.repetition import repetition
from corpus.steps.scores import harm, quality
from corpus.steps.script import script
from corpus.steps.sentences import sentences

__all__ = [
    "chinesewebtext",
    "decontaminate",
    "fineweb2_quality",
    "fineweb2_repetition",
    "han",
    "harm",
    "language",
    "length",
    "markup",
    "normalise",
    "pii",
    "quality",
    "repetition",
    "script",
    "sentences",
    "signs",
]
