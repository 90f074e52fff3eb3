"""Models for elsewhere: ONNX graphs, texts read with them by NumPy alone, and TensorFlow checkpoints, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.exporting.config import ExportConfig, ImportConfig
    from macbert.exporting.export import export_model
    from macbert.exporting.reader import load_exported
    from macbert.exporting.result import ExportResult
    from macbert.exporting.tf_models import import_model

__all__ = ["ExportConfig", "ExportResult", "ImportConfig", "export_model", "import_model", "load_exported"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ExportConfig": "config",
        "ExportResult": "result",
        "ImportConfig": "config",
        "export_model": "export",
        "import_model": "tf_models",
        "load_exported": "reader",
    },
)
