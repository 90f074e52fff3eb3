"""``report.html``: one page without scripts or outside files, to be opened from disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any


@dataclass(frozen=True)
class Stage:
    """One row of the closing table."""

    name: str
    taken: str
    given: str
    seconds: float
    figure: str


@dataclass(frozen=True)
class MaskedToken:
    """One token of the masked example."""

    original: str
    shown: str
    """What the model is given in its place."""

    restored: str | None
    """What the model answers at a chosen position; None where it is not asked."""

    kind: str
    """``similar``, ``random``, ``kept`` or ``""`` for a token that was not chosen."""


@dataclass(frozen=True)
class DemoReport:
    """All that the page shows."""

    stages: Sequence[Stage]
    comparison: Sequence[dict[str, object]]
    """One row a seed: seed, and the two tasks' figures for both initialisations."""

    losses: Sequence[tuple[int, float]]
    """(step, masked-language-model loss in nats)."""

    held_out: Sequence[tuple[int, float]]
    """(step, held-out loss)."""

    masked: Sequence[MaskedToken]
    predictions: Sequence[dict[str, Any]]
    """Texts in the annotation format, with ``entities`` in order and without overlap, and a ``label``."""

    versions: dict[str, str] = field(default_factory=dict)


def render(report: DemoReport) -> str:
    """Return the page as HTML; every text from outside is escaped."""
    sections = [
        (
            "The road 全程",
            _table(["stage", "in", "out", "seconds", "figure"], [_stage_cells(s) for s in report.stages]),
        ),
        ("Is pretraining worth something? 预训练有用吗？", _comparison(report.comparison)),
        ("Pretraining loss 预训练损失", _curves(report.losses, report.held_out)),
        ("A masked example 掩码示例", _masked(report.masked)),
        ("Names found 抽取结果", "".join(_named(row) for row in report.predictions)),
    ]
    body = "".join(f"<section><h2>{escape(title)}</h2>{content}</section>" for title, content in sections)
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>macbert demo</title><style>{_STYLE}</style></head>"
        f"<body><h1>macbert demo</h1>{body}<footer>{escape(versions)}</footer></body></html>\n"
    )


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --similar: #2a78d6; --random: #d9622b; --kept: #7a7f87; }
body { font: 16px/1.7 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid var(--line);
       padding: .3rem .6rem; text-align: left; vertical-align: top }
.scroll { overflow-x: auto } .tokens { display: flex; flex-wrap: wrap; gap: .6rem .15rem }
.tokens div { display: grid; grid-template-rows: repeat(3, 1.8rem); justify-items: center; min-width: 1.2rem }
.tokens div:first-child { justify-items: start; opacity: .7; margin-right: .6rem }
.similar, .random, .kept { color: #fff; border-radius: .2rem; padding: 0 .15rem }
.similar { background: var(--similar) } .random { background: var(--random) } .kept { background: var(--kept) }
.right { color: #1a8a4a; font-weight: 600 } .wrong { color: #c0392b; text-decoration: underline }
mark { border-radius: .25rem; padding: .05rem .2rem; color: inherit }
mark.person { background: #e8a33d66 } mark.place { background: #3d9be866 } mark.organisation { background: #7bc04766 }
mark sub { font-size: .65em; opacity: .75; margin-left: .2em } .note { opacity: .7 }
svg { width: 100%; height: auto } footer { margin-top: 3rem; opacity: .6; font-size: .85rem }
"""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _stage_cells(stage: Stage) -> list[str]:
    return [stage.name, stage.taken, stage.given, f"{stage.seconds:.1f}", stage.figure]


def _comparison(rows: Sequence[dict[str, object]]) -> str:
    note = "<p>The same encoder, the same labelled examples and fine-tuning budget; only the first weights differ.</p>"
    header = list(rows[0]) if rows else []
    return note + _table(header, [[_figure(row[name]) for name in header] for row in rows])


def _figure(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _curves(losses: Sequence[tuple[int, float]], held_out: Sequence[tuple[int, float]]) -> str:
    points = [*losses, *held_out]
    if not points:
        return "<p>No step was logged.</p>"
    width, height, left, bottom = 900, 300, 50, 30
    last = max(step for step, _ in points) or 1
    low, high = math.floor(min(y for _, y in points)), math.ceil(max(y for _, y in points))
    high = max(high, low + 1)

    def place(step: int, loss: float) -> str:
        x = left + (width - left - 10) * step / last
        y = 10 + (height - bottom - 10) * (high - loss) / (high - low)
        return f"{x:.1f},{y:.1f}"

    parts = []
    for tick in range(low, high + 1):
        x_y = place(0, tick).split(",")
        parts.append(f'<line x1="{left}" x2="{width - 10}" y1="{x_y[1]}" y2="{x_y[1]}" stroke="#8884"/>')
        parts.append(f'<text x="{left - 8}" y="{x_y[1]}" text-anchor="end" dy="4" font-size="12" {_INK}>{tick}</text>')
    for fraction in (0, 0.5, 1):
        x = place(round(last * fraction), low).split(",")[0]
        text = f"{round(last * fraction):,}"
        anchor = "end" if fraction == 1 else "middle"
        parts.append(f'<text x="{x}" y="{height - 8}" text-anchor="{anchor}" font-size="12" {_INK}>{text}</text>')
    for series, colour in ((losses, "#2a78d6"), (held_out, "#d9622b")):
        line = " ".join(place(*point) for point in series)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(series) <= 12:
            for point in series:
                x, y = place(*point).split(",")
                parts.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>')
    legend = (
        '<p class="note">steps → nats at chosen positions; <b style="color:#2a78d6">training</b>, '
        '<b style="color:#d9622b">held out (documents that were never trained on)</b></p>'
    )
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="loss">{"".join(parts)}</svg>{legend}'


_INK = 'fill="currentColor"'


def _masked(tokens: Sequence[MaskedToken]) -> str:
    columns = ["<div><span>original</span><span>masked</span><span>restored</span></div>"]
    for token in tokens:
        restored = ""
        if token.restored is not None:
            verdict = "right" if token.restored == token.original else "wrong"
            restored = f'<span class="{verdict}">{escape(token.restored)}</span>'
        kind = f' class="{token.kind}"' if token.kind else ""
        columns.append(
            f"<div><span>{escape(token.original)}</span><span{kind}>{escape(token.shown)}</span>{restored}</div>"
        )
    legend = (
        '<p class="note"><span class="similar">similar word</span> <span class="random">random word</span> '
        '<span class="kept">kept</span>; restored: <span class="right">right</span>, <span class="wrong">wrong</span>. '
        "There is no [MASK]: the model must find what is wrong and mend it.</p>"
    )
    return f'<div class="tokens">{"".join(columns)}</div>{legend}'


def _named(row: dict[str, Any]) -> str:
    parts, position, text = [], 0, row["text"]
    for entity in row["entities"]:
        start, end, kind = entity["start"], entity["end"], escape(entity["type"])
        parts.append(escape(text[position:start]))
        parts.append(f'<mark class="{kind}">{escape(text[start:end])}<sub>{kind}</sub></mark>')
        position = end
    parts.append(escape(text[position:]))
    return f'<p>{"".join(parts)} <span class="note">{escape(row["label"])}</span></p>'
