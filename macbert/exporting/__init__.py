"""Models for where there is no torch: ONNX graphs, and texts read with them by NumPy alone."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.exporting.config import ExportConfig
    from macbert.exporting.export import export_model
    from macbert.exporting.reader import load_exported
    from macbert.exporting.result import ExportResult

_HOME = {"ExportConfig": "config", "ExportResult": "result", "export_model": "export", "load_exported": "reader"}

__all__ = ["ExportConfig", "ExportResult", "export_model", "load_exported"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
