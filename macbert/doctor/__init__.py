"""Is this machine ready? Versions, extras, hardware, disk, rights, and a few seconds of the real thing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.doctor.config import DoctorConfig
    from macbert.doctor.examination import examine
    from macbert.doctor.findings import Diagnosis, Finding

_HOME = {"Diagnosis": "findings", "DoctorConfig": "config", "Finding": "findings", "examine": "examination"}

__all__ = ["Diagnosis", "DoctorConfig", "Finding", "examine"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
