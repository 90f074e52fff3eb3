"""Pieces of the page as HTML; whatever comes from a text, a file or a model is escaped here."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Say = Callable[[str, str], str]
"""Called with what is said in Chinese and in English; returns one of them."""

LANGUAGES: dict[str, Say] = {"zh": lambda zh, en: zh, "en": lambda zh, en: en}

COLOURS = 8
"""Classes c0 to c7 of the style."""

STYLE = """
.mb.head{display:flex;justify-content:space-between}
.mb{line-height:1.7;overflow-wrap:anywhere}
.mb table{border-collapse:collapse;border:0!important;margin:.4rem 0 1rem}
.mb tbody,.mb tr,.mb td,.mb th{border:0!important}
.mb td,.mb th{
border-bottom:1px solid var(--border-color-primary)!important;
padding:.25rem 1rem .25rem 0!important;text-align:left;
vertical-align:top}
.mb td:not(:last-child){white-space:nowrap}
.mb th{font-weight:600;opacity:.75}
.mb td.n{text-align:right;font-variant-numeric:tabular-nums}
.mb h3{margin:1rem 0 .2rem;font-size:1.05rem}
.mb .faint{opacity:.72}
.mb .text{font-size:1.15rem;line-height:2.3;white-space:pre-wrap}
.mb .bar{display:inline-block;height:.7em;border-radius:2px;background:#4a7;min-width:1px}
.mb .card{border:1px solid var(--border-color-primary);border-radius:6px;padding:.5rem .9rem;margin:.5rem 0}
.mb .card p{white-space:pre-wrap;margin:.2rem 0}
.mb .refused{border-left:4px solid #c33;padding:.3rem .8rem}
.mb .figures{display:flex;flex-wrap:wrap;gap:.6rem 2.2rem}
.mb .figures b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}
.mb mark{color:inherit;border-radius:3px;padding:.1rem .15rem}
.mb .tag{font-size:.72rem;margin-left:.15rem;opacity:.8;user-select:none}
.mb .unit{border-bottom:2px solid var(--border-color-primary);margin-right:.35rem}
.mb del{opacity:.55}
.mb .c0{background:#4a8fe044}.mb .c1{background:#e0803a44}.mb .c2{background:#3fae6a44}.mb .c3{background:#c65bb344}
.mb .c4{background:#c9a91f44}.mb .c5{background:#1fa9b844}.mb .c6{background:#d8506044}.mb .c7{background:#7d6ee044}
.mb .charts svg{max-width:760px;width:100%;display:block;color:inherit}
.mb .charts svg text:not([fill]){fill:currentColor}
.mb .charts circle{fill-opacity:0}.mb .charts circle:hover{fill-opacity:1}
"""


@dataclass(frozen=True)
class Mark:
    """A stretch of a text to show: [start, end), what it is, and the number of its colour."""

    start: int
    end: int
    label: str
    colour: int


def block(*parts: str) -> str:
    """Return pieces as one block of the page."""
    return f'<div class="mb">{"".join(parts)}</div>'


def notice(text: str) -> str:
    """Return what went wrong, line by line."""
    lines = "<br>".join(html.escape(line) for line in text.splitlines())
    return block(f'<p class="refused" role="alert">{lines}</p>')


def faint(text: str) -> str:
    """Return a remark."""
    return f'<p class="faint">{html.escape(text)}</p>'


def heading(text: str) -> str:
    """Return a heading inside a tab."""
    return f"<h3>{html.escape(text)}</h3>"


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table; numbers stand right, :class:`Markup` as it is, all else escaped."""
    top = "".join(f"<th>{html.escape(head)}</th>" for head in heads)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{lines}</table>"


class Markup(str):
    """HTML that is finished."""

    __slots__ = ()


def _cell(value: Any) -> str:
    if isinstance(value, Markup):
        return f"<td>{value}</td>"
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"


def bar(share: float) -> Markup:
    """Return a bar of a share in 0..1."""
    return Markup(f'<span class="bar" style="width:{12 * min(max(share, 0.0), 1.0):.2f}rem"></span>')


def marked(text: str, marks: Iterable[Mark]) -> str:
    """Return a text with its marks, which may overlap: a stretch that several cover has the colour of the shortest.

    The label of a mark stands at its end.

    >>> marked("在北京", [Mark(1, 3, "地点", 0)])
    '<p class="text">在<mark class="c0" title="地点">北京</mark><span class="tag">地点</span></p>'
    """
    marks = [mark for mark in marks if 0 <= mark.start < mark.end <= len(text)]
    edges = sorted({0, len(text), *(edge for mark in marks for edge in (mark.start, mark.end))})
    parts = []
    for start, end in pairwise(edges):
        piece = html.escape(text[start:end])
        covering = sorted(
            (m for m in marks if m.start <= start and end <= m.end), key=lambda m: (m.end - m.start, m.start)
        )
        if covering:
            title = html.escape(" / ".join(dict.fromkeys(mark.label for mark in covering)))
            piece = f'<mark class="c{covering[0].colour % COLOURS}" title="{title}">{piece}</mark>'
        ending = dict.fromkeys(mark.label for mark in covering if mark.end == end)
        parts.append(piece + "".join(f'<span class="tag">{html.escape(label)}</span>' for label in ending))
    return f'<p class="text">{"".join(parts)}</p>'
