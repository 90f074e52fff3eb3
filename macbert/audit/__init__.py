"""What an encoder remembers and what it presumes: planted canaries, personal data, group gaps (``macbert audit``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.audit.canaries import PlantResult, plant
    from macbert.audit.config import AuditConfig, PlantConfig
    from macbert.audit.result import AuditResult
    from macbert.audit.run import audit

__all__ = ["AuditConfig", "AuditResult", "PlantConfig", "PlantResult", "audit", "plant"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AuditConfig": "config",
        "AuditResult": "result",
        "PlantConfig": "config",
        "PlantResult": "canaries",
        "audit": "run",
        "plant": "canaries",
    },
)
