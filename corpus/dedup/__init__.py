"""Duplicates: which documents say the same, and which one of them stays."""

from corpus.dedup.exact import first_of_each

__all__ = ["first_of_each"]
