"""Loss laws of small runs: fit them, predict a larger run before it runs, check it after, plan what to train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.lazy import lazy_names

if TYPE_CHECKING:
    from macbert.scaling.config import FitConfig, PlanConfig, PredictConfig
    from macbert.scaling.fitting import fit
    from macbert.scaling.planning import plan
    from macbert.scaling.prediction import predict

__all__ = ["FitConfig", "PlanConfig", "PredictConfig", "fit", "plan", "predict"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FitConfig": "config",
        "PlanConfig": "config",
        "PredictConfig": "config",
        "fit": "fitting",
        "plan": "planning",
        "predict": "prediction",
    },
)
