"""Tab "Runs": loss, accuracy and tokens a second of a run, read from its log while it grows."""

from __future__ import annotations

import html
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from macbert.pretraining.journal import LOG_NAME
from macbert.pretraining.plot import Curve, chart
from macbert.studio.desk import Desk
from macbert.studio.layout import Choice, choose, nothing_here, told
from macbert.studio.markup import Say, block, faint

POINTS = 300
"""Points of a curve; of a longer run every so many-th is drawn, and the last."""

SECONDS = 2.0
"""Between two looks at the log."""

_COLOURS = ("#3d8bd4", "#e08a3a", "#2fa37c")
_LOSSES, _SHARES = ("mlm_loss", "sop_loss"), ("eval_mlm_accuracy", "eval_sop_accuracy")


class RunLog:
    """A run's log, read on from where it was read last, and from its start where it was written anew (a resume)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG_NAME
        self._lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._read = 0
        self._entries: list[dict[str, Any]] = []

    def entries(self) -> list[dict[str, Any]]:
        """Return all whole lines that are there now."""
        with self._lock:
            try:
                stream = open(self._path, "rb")  # noqa: SIM115
            except FileNotFoundError:
                return []
            with stream:
                status = _identity_and_size(stream.fileno())
                if status[:2] != self._identity or status[2] < self._read:
                    self._identity, self._read, self._entries = status[:2], 0, []
                stream.seek(self._read)
                data = stream.read()
            whole = data.rpartition(b"\n")[0]
            self._read += len(whole) + 1 if whole else 0
            for line in whole.split(b"\n"):
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict) and isinstance(entry.get("step"), int):
                    self._entries.append({k: v for k, v in entry.items() if isinstance(v, int | float)})
            return list(self._entries)


def _identity_and_size(descriptor: int) -> tuple[int, int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size


def run_html(entries: Sequence[dict[str, Any]], say: Say) -> str:
    """Return the last figures of a run and its curves."""
    if not entries:
        return block(faint(say("还没有日志。", "There is no log yet.")))
    last: dict[str, Any] = {}
    for entry in entries:
        last |= entry
    # A fine-tuning's log names its one loss so, and its scores on dev by their metric.
    losses = [key for key in _LOSSES if key in last] or [key for key in ("loss",) if key in last]
    shares = [key for key in _SHARES if key in last]
    shares = shares or [key for key in last if key.startswith("eval_") and key.endswith(("f1", "accuracy"))][:3]
    names = {
        "step": say("步", "step"),
        "mlm_loss": say("掩码词元损失（nats）", "loss of masked tokens (nats)"),
        "sop_loss": say("句序损失（nats）", "loss of sentence order (nats)"),
        "eval_mlm_accuracy": say("留出集准确率", "held-out accuracy"),
        "eval_sop_accuracy": say("留出集句序准确率", "held-out accuracy of order"),
        "tokens_per_second": say("词元/秒", "tokens/s"),
        "tokens": say("词元", "tokens"),
        "eta_seconds": say("剩余", "time left"),
        "loss": say("损失（nats）", "loss (nats)"),
    }
    shown = [key for key in names if key in last and (key != "loss" or key in losses)]
    names |= {key: key.removeprefix("eval_").replace("_", " ") for key in shares if key not in names}
    figures = "".join(
        f'<span data-figure="{key}">{html.escape(names[key])}<b>{_figure(key, last[key])}</b></span>'
        for key in dict.fromkeys([*shown, *shares])
    )
    charts = [
        chart(
            title, [_curve(entries, key, names[key], colour) for key, colour in zip(keys, _COLOURS, strict=False)], top
        )
        for title, keys, top in (
            (say("训练损失（nats）", "Training loss (nats)"), losses, None),
            (say("词元/秒", "Tokens a second"), ["tokens_per_second"], None),
            (say("留出集准确率", "Held-out accuracy"), shares, 1.0),
        )
    ]
    return block(f'<div class="figures">{figures}</div><div class="charts">{"".join(charts)}</div>')


def _curve(entries: Sequence[dict[str, Any]], key: str, label: str, colour: str) -> Curve:
    points = [(entry["step"], float(entry[key])) for entry in entries if key in entry]
    every = -(-len(points) // POINTS) or 1
    points = [*points[:-1:every], *points[-1:]]
    return Curve(label, colour, [step for step, _ in points], [value for _, value in points])


def _figure(key: str, value: float) -> str:
    if key == "eta_seconds":
        minutes, seconds = divmod(round(value), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    return f"{value:,.0f}" if isinstance(value, int) or value >= 1000 else f"{value:.4f}"


def lay_out(desk: Desk, say: Say) -> list[Choice]:
    """Lay the tab out."""
    import gradio as gr

    if desk.config.root is None and not desk.places.of("run"):
        nothing_here(say, "--run")
        return []
    logs: dict[Path, RunLog] = {}
    runs = choose(desk, say("训练文件夹", "Run folder"), "run")
    follow = gr.Checkbox(True, label=say("持续刷新", "Follow"))
    result = gr.HTML()
    # What the page shows: the run and the lines of its log; a look that finds nothing new sends nothing.
    seen = gr.State(None)
    timer = gr.Timer(SECONDS)

    def looked(name: Any, before: Any) -> tuple[Any, Any]:
        if name is None:
            return gr.skip(), gr.skip()
        path = desk.places.find("run", name).path
        entries = logs.setdefault(path, RunLog(path)).entries()
        now = (name, len(entries), entries[-1]["step"] if entries else None)
        return (gr.skip(), gr.skip()) if now == before else (run_html(entries, say), now)

    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    look = told(looked, say, 2)
    timer.tick(look, [runs.dropdown, seen], [result, seen], **quiet)
    runs.dropdown.change(look, [runs.dropdown, seen], [result, seen], **quiet)
    follow.change(lambda on: gr.Timer(SECONDS, active=bool(on)), follow, timer, **quiet)
    return [runs]
