"""``macbert scaling predict``: a run's loss, written with its time and hash before the run, and checked after."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.errors import UserError
from corpus.files import atomic_file, check_output_file, sha256_file
from corpus.manifest import config_hash
from macbert.scaling.config import PredictConfig
from macbert.scaling.fitting import FIT_NAME, read_fit
from macbert.scaling.points import read_point, read_size

Progress = Callable[[str, int, int | None], None]

LEVEL = 0.9


@dataclass(frozen=True)
class Prediction:
    """What a run will come to, said before."""

    size: str
    tokens: int
    loss: float
    low: float
    high: float
    """90 % interval."""
    times_largest: float
    """Compute of the run over that of the largest run fitted (both under the same formula)."""
    fit_sha256: str
    """Of fit.json."""
    made_at: str
    """UTC."""

    @property
    def sha256(self) -> str:
        """Hash of all of the above, to publish before the run."""
        return config_hash(asdict(self))


@dataclass(frozen=True)
class PredictResult:
    """A prediction, and what came of it."""

    prediction: Prediction
    path: str
    run: str | None = None
    found: float | None = None
    """The run's held-out loss."""
    was_before: bool | None = None
    """Whether the run began after the prediction was written."""

    @property
    def error(self) -> float | None:
        """Predicted over found, less 1."""
        return None if self.found is None else self.prediction.loss / self.found - 1

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        p = self.prediction
        lines = [
            ("run", f"{p.size}, {p.tokens:,} tokens, {p.times_largest:.1f} x the compute of the largest run fitted"),
            ("predicted loss", f"{p.loss:.4f} ({LEVEL:.0%} interval {p.low:.4f} to {p.high:.4f})"),
            ("written", f"{self.path} at {p.made_at}, SHA-256 {p.sha256}"),
        ]
        if self.found is not None and self.error is not None:
            inside = "inside" if p.low <= self.found <= p.high else "outside"
            before = "after" if self.was_before else "NOT after"
            lines += [
                ("found", f"{self.found:.4f}, {inside} the interval; the prediction is off by {self.error:+.2%}"),
                ("order", f"the run began {before} the prediction was written"),
            ]
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        told = {**asdict(self.prediction), "sha256": self.prediction.sha256, "path": self.path}
        return {**told, "run": self.run, "found": self.found, "error": self.error, "was_before": self.was_before}


def predict(config: PredictConfig, *, progress: Progress | None = None) -> PredictResult:
    """Predict a run and write that down, or compare a run with what was written.

    Raises:
        UserError: no fit, no run, a prediction that was changed after it was written, or a run that is another one.
    """
    if config.run is not None:
        return _check(config.prediction, config.run)
    assert config.fit is not None
    assert config.size is not None
    assert config.tokens is not None
    path = check_output_file(config.prediction)
    if path.exists():
        fix = "name another file: a prediction is written once"
        raise UserError.at(path, expected="no file yet", found="one", fix=fix)
    fit = read_fit(config.fit)
    size = read_size(config.size)
    loss, low, high = fit.predict(size.weights, config.tokens, LEVEL)
    prediction = Prediction(
        size=str(size),
        tokens=config.tokens,
        loss=loss,
        low=low,
        high=high,
        times_largest=fit.points[0].flops_of(size, config.tokens) / fit.largest,
        fit_sha256=sha256_file(Path(config.fit) / FIT_NAME),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with atomic_file(path) as stream:
        json.dump({**asdict(prediction), "sha256": prediction.sha256}, stream, indent=2)
        stream.write("\n")
    return PredictResult(prediction, str(path))


def _check(path: str, run: str) -> PredictResult:
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        told = value.pop("sha256")
        prediction = Prediction(**value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        fix = "write one before the run: macbert scaling predict --fit ..."
        raise UserError.at(path, expected="a prediction", found="none", fix=fix) from None
    if told != prediction.sha256:
        fix = "restore the file as it was written"
        raise UserError.at(path, expected=f"SHA-256 {told[:16]}", found="changed figures", fix=fix)
    point = read_point(Path(run))
    if str(point.size) != prediction.size or abs(point.tokens / prediction.tokens - 1) > 0.02:
        found = f"{point.size}, {point.tokens:,} tokens"
        expected = f"the run predicted ({prediction.size}, {prediction.tokens:,} tokens)"
        raise UserError.at(run, expected=expected, found=found, fix="name the run that was predicted")
    # The earliest file of a run is claimed when it begins.
    began = min(entry.stat().st_mtime for entry in Path(run).rglob("*") if entry.is_file())
    before = datetime.fromtimestamp(began, UTC) >= datetime.fromisoformat(prediction.made_at)
    result = PredictResult(prediction, path, run, point.loss, before)
    with atomic_file(Path(path).with_suffix(".checked.json")) as stream:
        json.dump(result.as_json(), stream, indent=2)
        stream.write("\n")
    return result
