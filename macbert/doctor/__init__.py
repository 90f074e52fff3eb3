"""Is this machine ready? Versions, extras, hardware, disk, rights, and a few seconds of the real thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.doctor.config import DoctorConfig
    from macbert.doctor.examination import examine
    from macbert.doctor.findings import Diagnosis, Finding

__all__ = ["Diagnosis", "DoctorConfig", "Finding", "examine"]

__getattr__, __dir__ = lazy_names(
    __name__, {"Diagnosis": "findings", "DoctorConfig": "config", "Finding": "findings", "examine": "examination"}
)
