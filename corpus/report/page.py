"""The report as a page: plain HTML in Chinese and English, without scripts or anything fetched."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any

_STYLE = (
    "body{font:16px/1.6 system-ui,'PingFang SC','Noto Sans CJK SC',sans-serif;max-width:64rem;margin:2rem auto;"
    "padding:0 1rem;color:#222;background:#fff}table{border-collapse:collapse;margin:1rem 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.3rem .8rem;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}pre{background:#f4f4f4;padding:1rem;overflow:auto}"
    ".bar{display:inline-block;height:.8em;background:#4a7}.bar.before{background:#bbb}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}pre{background:#242424}}"
)

_LABELS = {
    "read": "读入",
    "kept": "保留",
    "dropped": "去除",
    "quarantined": "隔离",
}


def render_page(report: dict[str, Any]) -> str:
    """Return the page for a report's JSON values."""
    step_heads = ("步骤 step", *(f"{zh} {en}" for zh, en in _STEP_COLUMNS))
    steps = [(name, *(step[key] for _, key in _STEP_KEYS)) for name, step in report["steps"].items()]
    sources = [
        (name, its["read"], its["kept"], sum(its["dropped"].values()), sum(its["quarantined"].values()))
        for name, its in report["sources"].items()
    ]
    sizes = [
        ("字符 characters", report["characters_read"], report["characters_kept"]),
        ("词元 tokens", report["tokens_read"], report["tokens_kept"]),
    ]
    parts = [
        "<h1>语料报告 · Corpus report</h1>",
        _outcome(report),
        _table(("", "读入 read", "保留 kept"), sizes),
        "<h2>步骤 · Steps</h2>",
        _table(step_heads, steps),
        "<h2>来源 · Sources</h2>",
        _table(("来源 source", *(f"{zh} {en}" for en, zh in _LABELS.items())), sources),
        _list("空文件 · Empty files", report["empty_files"]),
        "<h2>长度 · Lengths</h2>",
        _lengths(report["lengths_read"], report["lengths_kept"]),
        _counts("重复簇（按大小）· Clusters of duplicates by size", "大小 size", report["clusters"], "簇 clusters"),
        _counts("个人信息（只有个数）· Personal data (numbers only)", "种类 kind", report["pii"], "个数 values"),
        _counts("编码 · Encodings", "编码 encoding", report["encodings"], "记录 records"),
        _counts("语言（抽样八分之一）· Languages (one in eight)", "语言 language", report["languages"]),
        "<h2>去除样例 · Samples of what was dropped</h2>",
        _samples(report["samples"]),
        "<h2>设置与阈值 · Settings and thresholds</h2>",
        f"<pre>{html.escape(json.dumps(report['settings'], ensure_ascii=False, indent=2))}</pre>",
        _table(("版本 version", ""), report["versions"].items()),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>语料报告 · Corpus report</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html><html lang="zh"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


_STEP_KEYS = tuple((unit, f"{unit}_{side}") for unit in ("documents", "characters", "tokens") for side in ("in", "out"))
_STEP_COLUMNS = tuple(
    (f"{zh}{side_zh}", f"{en} {side}")
    for zh, en in (("文档", "documents"), ("字符", "characters"), ("词元", "tokens"))
    for side_zh, side in (("入", "in"), ("出", "out"))
)


def _outcome(report: Mapping[str, Any]) -> str:
    rows: list[tuple[str, int]] = [(f"{_LABELS[name]} {name}", report[name]) for name in ("read", "kept")]
    for group in ("dropped", "quarantined"):
        rows += [(f"{_LABELS[group]} {group}: {reason}", count) for reason, count in report[group].items()]
    return _table(("", "文档 documents"), rows)


def _counts(title: str, head: str, counts: Mapping[str, int], unit: str = "文档 documents") -> str:
    if not counts:
        return ""
    return f"<h2>{html.escape(title)}</h2>" + _table((head, unit), counts.items())


def _list(title: str, names: Iterable[str]) -> str:
    listed = "".join(f"<li>{html.escape(name)}</li>" for name in names)
    return f"<h2>{title}</h2><ul>{listed}</ul>" if listed else ""


def _lengths(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    most = max([1, *before.values()])

    def bar(count: int, kind: str) -> str:
        return f'<span class="bar {kind}" style="width:{20 * count / most:.2f}rem"></span> {count:,}'

    rows = "".join(
        f"<tr><td class='n'>{int(low):,}–{2 * int(low) - 1:,}</td><td>{bar(count, 'before')}<br>"
        f"{bar(after.get(low, 0), '')}</td></tr>"
        for low, count in before.items()
    )
    heads = "<tr><th>字符 characters</th><th>读入 read（灰 grey）/ 保留 kept（绿 green）</th></tr>"
    return f"<table>{heads}{rows}</table>"


def _samples(samples: Mapping[str, list[dict[str, str]]]) -> str:
    rows = [(reason, sample["id"], sample["text"]) for reason, some in samples.items() for sample in some]
    return _table(("原因 reason", "id", "文本开头 beginning"), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, int):
            return f'<td class="n">{value:,}</td>'
        return f"<td>{html.escape(str(value))}</td>"

    top = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    lines = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{lines}</table>"
