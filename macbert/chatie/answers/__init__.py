"""Answers of chat models, read as they come: JSON in prose, cut JSON, tuples, tables; what is not read is counted."""

from __future__ import annotations

from macbert.chatie.answers.items import FoundEvent, FoundName, FoundRelation
from macbert.chatie.answers.names import read_names
from macbert.chatie.answers.plain import clean, is_none

__all__ = ["FoundEvent", "FoundName", "FoundRelation", "clean", "is_none", "read_names"]
