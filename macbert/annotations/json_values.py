"""JSON values in the words of a message."""

from __future__ import annotations

from typing import Any

_SHOWN = 20  # characters of a user's text in a message


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def is_int(value: Any) -> bool:
    """Return whether a value is a whole number (true and false are none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def short(value: Any) -> str:
    """Return a value as text, cut where it is long."""
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
