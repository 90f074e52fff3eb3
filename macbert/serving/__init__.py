"""A fine-tuned or exported model behind HTTP: requests of many clients go through the model together."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.serving.config import ServeConfig
    from macbert.serving.server import ServeResult, serve

_HOME = {"ServeConfig": "config", "ServeResult": "server", "serve": "server"}

__all__ = ["ServeConfig", "ServeResult", "serve"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
