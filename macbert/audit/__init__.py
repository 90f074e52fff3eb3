"""What an encoder remembers and what it presumes: planted canaries, personal data, group gaps (``macbert audit``)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.audit.canaries import PlantResult, plant
    from macbert.audit.config import AuditConfig, PlantConfig
    from macbert.audit.result import AuditResult
    from macbert.audit.run import audit

_HOME = {
    "AuditConfig": "config",
    "AuditResult": "result",
    "PlantConfig": "config",
    "PlantResult": "canaries",
    "audit": "run",
    "plant": "canaries",
}

__all__ = ["AuditConfig", "AuditResult", "PlantConfig", "PlantResult", "audit", "plant"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
