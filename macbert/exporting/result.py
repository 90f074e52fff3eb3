"""What an export comes to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExportResult:
    """A folder that needs no torch."""

    output: str
    """Where it is."""

    task: str
    """What the model answers; "encoder" where it has no head."""

    outputs: tuple[str, ...]
    """Names of the graph's outputs."""

    megabytes: float
    """Size of the graph with its weights."""

    difference: float
    """Largest difference from torch's outputs on rows of several lengths, padding among them."""

    quantize: str
    """"none" or "int8"."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        kind = "float32" if self.quantize == "none" else self.quantize
        return [
            ("model", self.output),
            ("task", self.task),
            ("graph", f"model.onnx, {self.megabytes:.1f} MB, {kind}; gives {', '.join(self.outputs)}"),
            ("beside torch", f"outputs differ by {self.difference:.1e} at most"),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return dataclasses.asdict(self)
