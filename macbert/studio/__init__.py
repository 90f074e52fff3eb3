"""A page in the browser: look into corpora, words and masks, runs, extraction and spelling correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.studio.config import StudioConfig
    from macbert.studio.server import StudioResult, studio

__all__ = ["StudioConfig", "StudioResult", "studio"]

__getattr__, __dir__ = lazy_names(__name__, {"StudioConfig": "config", "StudioResult": "server", "studio": "server"})
