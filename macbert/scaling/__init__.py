"""Loss laws of small runs: fit them, predict a larger run before it runs, check it after, plan what to train."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from macbert.scaling.config import FitConfig, PlanConfig, PredictConfig
    from macbert.scaling.fitting import fit
    from macbert.scaling.planning import plan
    from macbert.scaling.prediction import predict

_HOME = {
    "FitConfig": "config",
    "PlanConfig": "config",
    "PredictConfig": "config",
    "fit": "fitting",
    "plan": "planning",
    "predict": "prediction",
}

__all__ = ["FitConfig", "PlanConfig", "PredictConfig", "fit", "plan", "predict"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
