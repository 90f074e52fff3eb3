"""Did it pay to go on pretraining an encoder on a domain: what it gained there and what it lost elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.adaptation.config import AdaptReportConfig
    from macbert.adaptation.report import AdaptReport, adapt_report

__all__ = ["AdaptReport", "AdaptReportConfig", "adapt_report"]

__getattr__, __dir__ = lazy_names(
    __name__, {"AdaptReport": "report", "AdaptReportConfig": "config", "adapt_report": "report"}
)
