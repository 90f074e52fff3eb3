"""Models for where there is no torch: ONNX graphs, and texts read with them by NumPy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.exporting.config import ExportConfig
    from macbert.exporting.export import export_model
    from macbert.exporting.reader import load_exported
    from macbert.exporting.result import ExportResult

__all__ = ["ExportConfig", "ExportResult", "export_model", "load_exported"]

__getattr__, __dir__ = lazy_names(
    __name__, {"ExportConfig": "config", "ExportResult": "result", "export_model": "export", "load_exported": "reader"}
)
