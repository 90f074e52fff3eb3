"""Did it pay to go on pretraining an encoder on a domain: what it gained there and what it lost elsewhere."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.adaptation.config import AdaptReportConfig
    from macbert.adaptation.report import AdaptReport, adapt_report

_HOME = {"AdaptReport": "report", "AdaptReportConfig": "config", "adapt_report": "report"}

__all__ = ["AdaptReport", "AdaptReportConfig", "adapt_report"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
