"""The report as a page: plain HTML without scripts or anything fetched."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

_STYLE = (
    "body{font:16px/1.6 system-ui,'PingFang SC','Noto Sans CJK SC',sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;margin:1rem 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.3rem .8rem;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
)


def render_page(report: dict[str, Any]) -> str:
    """Return the page for a report's JSON values."""
    outcome: list[tuple[str, Any]] = [("读入 read", report["read"]), ("保留 kept", report["kept"])]
    outcome += [(f"去除 dropped: {reason}", count) for reason, count in report["dropped"].items()]
    outcome += [(f"隔离 quarantined: {reason}", count) for reason, count in report["quarantined"].items()]
    steps = [
        (name, step["documents_in"], step["documents_out"], step["characters_in"], step["characters_out"])
        for name, step in report["steps"].items()
    ]
    sources = [
        (name, its["read"], its["kept"], sum(its["dropped"].values()), sum(its["quarantined"].values()))
        for name, its in report["sources"].items()
    ]
    heads_steps = ("步骤 step", "文档入 documents in", "出 out", "字符入 characters in", "出 out")
    heads_sources = ("来源 source", "读入 read", "保留 kept", "去除 dropped", "隔离 quarantined")
    body = [
        "<h1>语料报告 · Corpus report</h1>",
        _table(("", "文档 documents"), outcome),
        "<h2>步骤 · Steps</h2>",
        _table(heads_steps, steps),
        "<h2>来源 · Sources</h2>",
        _table(heads_sources, sources),
        "<h2>编码 · Encodings</h2>",
        _table(("编码 encoding", "文档 documents"), report["encodings"].items()),
    ]
    head = f'<meta charset="utf-8"><title>Corpus report</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="zh"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, int):
            return f'<td class="n">{value:,}</td>'
        return f"<td>{html.escape(str(value))}</td>"

    top = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    lines = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{lines}</table>"
