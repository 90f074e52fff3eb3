"""The runs and their laws as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from corpus.files import atomic_file
from macbert.scaling.laws import ComputeLaw, SizeLaw
from macbert.scaling.points import Point

PLOT_NAME = "laws.png"


def plot_fit(points: Sequence[Point], law: SizeLaw, other: ComputeLaw | None, folder: str | Path) -> Path:
    """Draw ``laws.png``: loss over tokens for every size, and loss over compute."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    tokens = np.geomspace(min(p.tokens for p in points), 10 * max(p.tokens for p in points), 60)
    for number, size in enumerate(sorted({p.size for p in points}, key=lambda s: s.weights)):
        own = [p for p in points if p.size == size]
        color = f"C{number}"
        left.plot([p.tokens for p in own], [p.loss for p in own], "o", color=color, label=str(size), ms=4)
        left.plot(tokens, law(size.weights, tokens), "-", color=color, lw=1)
        right.plot([p.flops for p in own], [p.loss for p in own], "o", color=color, ms=4)
    left.set(xscale="log", xlabel="tokens D", ylabel="held-out loss (nats)", title="L(N, D)")
    left.legend(title="size")
    if other is not None:
        flops = np.geomspace(min(p.flops for p in points), 10 * max(p.flops for p in points), 60)
        right.plot(flops, other(flops), "k--", lw=1)
    right.set(xscale="log", xlabel="operations C", title="L(C), fitted on the frontier")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    path = Path(folder) / PLOT_NAME
    with atomic_file(path, "wb") as stream:
        stream.write(picture.getvalue())
    return path
