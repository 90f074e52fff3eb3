"""A fine-tuned or exported model behind HTTP: requests of many clients go through the model together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.serving.config import ServeConfig
    from macbert.serving.server import ServeResult, serve

__all__ = ["ServeConfig", "ServeResult", "serve"]

__getattr__, __dir__ = lazy_names(__name__, {"ServeConfig": "config", "ServeResult": "server", "serve": "server"})
