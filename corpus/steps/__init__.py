"""Steps: each takes one document and returns it changed, or the reason to drop it, or None to keep it."""

from corpus.steps.length import length
from corpus.steps.normalise import normalise
from corpus.steps.pii import pii

__all__ = ["length", "normalise", "pii"]
