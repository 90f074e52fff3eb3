"""What a pretraining run comes to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PretrainResult:
    """Figures of a run that ended or was asked to stop."""

    output: str
    """The run's folder; a finished one loads with plain transformers."""

    finished: bool
    """False after SIGTERM or SIGINT: the same command goes on."""

    step: int
    """Steps done."""

    max_steps: int
    """Steps of the whole run."""

    resumed_from: int | None
    """Step of the checkpoint that this call went on from."""

    skipped_steps: int
    """Steps left out because a gradient was not finite."""

    parameters: int
    """Weights of the model, tied ones once."""

    rows: int
    """Rows of one pass over the data."""

    loss: float | None
    """Training loss (masked tokens + sentence order) over the last logged steps, in nats."""

    tokens: int
    """Real tokens seen by the whole run, padding not counted."""

    seconds: float
    """Wall time of this call's steps, evaluation and saving not counted."""

    tokens_per_second: float | None
    """Real tokens of this call per second of its steps, all processes together."""

    data_stall: float | None
    """Share of that time in which a process waited for its next rows."""

    mixed_precision: str
    """Arithmetic that was used: no, bf16 or fp16."""

    evaluation: dict[str, float | None] = field(default_factory=dict)
    """The last held-out evaluation."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        stopped = "" if self.finished else " (stopped: the same command goes on)"
        lines = [
            ("run", self.output),
            ("steps", f"{self.step} of {self.max_steps}{stopped}"),
            ("model", f"{self.parameters / 1e6:.1f} M parameters, arithmetic {self.mixed_precision}"),
            ("rows in one pass", str(self.rows)),
        ]
        if self.resumed_from is not None:
            lines.append(("resumed from", f"checkpoint-{self.resumed_from}"))
        if self.skipped_steps:
            lines.append(("steps skipped", f"{self.skipped_steps} (gradient not finite)"))
        if self.loss is not None:
            lines.append(("training loss", f"{self.loss:.4f}"))
        for name, label in _EVALUATION.items():
            value = self.evaluation.get(f"eval_{name}")
            if value is not None:
                lines.append((label, f"{value:.4f}"))
        if self.tokens_per_second is not None:
            lines.append(("speed", f"{self.tokens_per_second:,.0f} tokens/s, {self.tokens:,} tokens in all"))
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure."""
        return dataclasses.asdict(self)


_EVALUATION = {
    "mlm_loss": "held-out masked-token loss",
    "perplexity": "held-out perplexity",
    "mlm_accuracy": "held-out accuracy at chosen tokens",
    "replaced_accuracy": "  of these, at replaced tokens",
    "sop_accuracy": "held-out sentence-order accuracy",
}
