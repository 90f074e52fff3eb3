"""The loss curve as a picture."""

from __future__ import annotations

import io
from pathlib import Path

from corpus.files import atomic_file
from macbert.pretraining.journal import read_journal

PLOT_NAME = "loss.png"


def plot_loss(folder: str | Path) -> Path:
    """Draw ``loss.png`` from ``log.jsonl``: training loss and held-out accuracies over steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    entries = read_journal(folder)
    training = [entry for entry in entries if "mlm_loss" in entry]
    held_out = [entry for entry in entries if "eval_mlm_accuracy" in entry]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    losses = figure.subplots()
    steps = [entry["step"] for entry in training]
    losses.plot(steps, [entry["mlm_loss"] for entry in training], label="masked tokens", color="tab:blue")
    losses.plot(steps, [entry["sop_loss"] for entry in training], label="sentence order", color="tab:orange")
    losses.set(xlabel="step", ylabel="training loss (nats)", ylim=(0, None))
    losses.grid(alpha=0.3)
    if held_out:
        shares = losses.twinx()
        steps = [entry["step"] for entry in held_out]
        shares.plot(steps, [entry["eval_mlm_accuracy"] for entry in held_out], "o--", color="tab:blue", ms=3)
        shares.plot(steps, [entry["eval_sop_accuracy"] for entry in held_out], "o--", color="tab:orange", ms=3)
        shares.set(ylabel="held-out accuracy (dashed)", ylim=(0, 1))
    losses.legend(loc="upper center", ncols=2)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    path = Path(folder) / PLOT_NAME
    with atomic_file(path, "wb") as stream:
        stream.write(picture.getvalue())
    return path
