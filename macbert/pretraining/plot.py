"""The curves of a run: a picture, and a page that needs nothing but a browser."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.files import atomic_file
from macbert.pretraining.journal import read_journal

PLOT_NAME = "loss.png"
PAGE_NAME = "loss.html"

_BLUE, _ORANGE = "#1f77b4", "#ff7f0e"


@dataclass(frozen=True)
class Curve:
    """Points of one figure over steps."""

    label: str
    color: str
    steps: Sequence[int]
    values: Sequence[float]


def read_curves(folder: str | Path) -> tuple[list[Curve], list[Curve]]:
    """Return training losses (nats) and held-out accuracies (shares) of a run's log; points without a value are left
    out."""
    entries = read_journal(folder)

    def curve(label: str, color: str, name: str) -> Curve:
        points = [(entry["step"], entry[name]) for entry in entries if entry.get(name) is not None]
        return Curve(label, color, [step for step, _ in points], [value for _, value in points])

    losses = [curve("masked tokens", _BLUE, "mlm_loss"), curve("sentence order", _ORANGE, "sop_loss")]
    shares = [
        curve("masked tokens, held out", _BLUE, "eval_mlm_accuracy"),
        curve("sentence order, held out", _ORANGE, "eval_sop_accuracy"),
    ]
    return losses, shares


def plot_loss(folder: str | Path) -> Path:
    """Draw ``loss.png`` and ``loss.html`` from ``log.jsonl``: training losses and held-out accuracies over steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    losses, shares = read_curves(folder)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.subplots()
    for curve in losses:
        left.plot(curve.steps, curve.values, label=curve.label, color=curve.color)
    left.set(xlabel="step", ylabel="training loss (nats)", ylim=(0, None))
    left.grid(alpha=0.3)
    if any(curve.steps for curve in shares):
        right = left.twinx()
        for curve in shares:
            right.plot(curve.steps, curve.values, "o--", color=curve.color, ms=3)
        right.set(ylabel="held-out accuracy (dashed)", ylim=(0, 1))
    left.legend(loc="upper center", ncols=2)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    path = Path(folder) / PLOT_NAME
    with atomic_file(path, "wb") as stream:
        stream.write(picture.getvalue())
    with atomic_file(Path(folder) / PAGE_NAME) as page:
        page.write(render_page(Path(folder).name, losses, shares, read_journal(folder)))
    return path


def render_page(name: str, losses: Sequence[Curve], shares: Sequence[Curve], entries: Sequence[dict[str, Any]]) -> str:
    """Return the page: two charts as SVG whose points tell their value, and the last figures as a table."""
    last: dict[str, Any] = {}
    for entry in entries:
        last |= {key: value for key, value in entry.items() if isinstance(value, int | float)}
    rows = "".join(f"<tr><td>{html.escape(key)}</td><td>{_text(value)}</td></tr>" for key, value in last.items())
    log = json.dumps(entries).replace("<", "\\u003c")
    charts = chart("training loss (nats)", losses, None) + chart("held-out accuracy", shares, 1.0)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(name)}</title>'
        "<style>body{font:14px sans-serif;max-width:760px;margin:2em auto}svg{width:100%}td{padding:0 1em 0 0}"
        "circle{fill-opacity:0}circle:hover{fill-opacity:1}</style>"
        f"<h1>{html.escape(name)}</h1>{charts}<h2>Last figures</h2><table>{rows}</table>"
        f'<script type="application/json" id="log">{log}</script></html>\n'
    )


def chart(title: str, curves: Sequence[Curve], top: float | None) -> str:
    """Return one chart as SVG, 760 x 300; empty where there is no point."""
    curves = [curve for curve in curves if curve.steps]
    if not curves:
        return ""
    end = max(max(curve.steps) for curve in curves) or 1
    height = top or max(max(curve.values) for curve in curves) or 1.0
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = 270 - 250 * share
        parts.append(f'<path d="M50 {y}H750" stroke="#ddd"/><text x="4" y="{y + 4}">{_text(height * share)}</text>')
        parts.append(f'<text x="{50 + 680 * share}" y="290">{round(end * share)}</text>')
    for number, curve in enumerate(curves):
        points = [
            (50 + 700 * step / end, 270 - 250 * value / height)
            for step, value in zip(curve.steps, curve.values, strict=True)
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{curve.color}" stroke-width="1.5"/>')
        for (x, y), step, value in zip(points, curve.steps, curve.values, strict=True):
            tip = f"step {step}: {_text(value)}"
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{curve.color}"><title>{tip}</title></circle>')
        parts.append(f'<text x="{60 + 220 * number}" y="14" fill="{curve.color}">{html.escape(curve.label)}</text>')
    return f'<h2>{html.escape(title)}</h2><svg viewBox="0 0 760 300" font-size="12">{"".join(parts)}</svg>'


def _text(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
