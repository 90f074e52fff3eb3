"""The door: parse, call, print. No logic lives here."""

from macbert.cli.main import main

__all__ = ["main"]
