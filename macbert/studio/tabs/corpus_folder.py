"""Tab "Corpus": what a build read, kept and dropped, and the dropped records themselves, reason by reason."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import UserError
from corpus.rejects import folder_of
from corpus.report import CorpusReport, load_report
from macbert.studio.desk import Desk
from macbert.studio.layout import Choice, choose, nothing_here, told
from macbert.studio.markup import Say, bar, block, faint, heading, table

PAGE_RECORDS = 10
SHOWN_CHARACTERS = 600
LONGEST_LINE = 1 << 20
"""Bytes of a record that are read; of a longer one only this is told."""

Cursor = tuple[int, int]
"""Number of the file under the reason, and the byte where a line begins."""


def report_html(report: CorpusReport, say: Say) -> str:
    """Return the report for one screen: outcomes, steps, sources."""
    total = max(report.read, 1)
    outcomes = [(say("保留", "kept"), report.kept, bar(report.kept / total))]
    for group, counts in (
        (say("去除", "dropped"), report.dropped),
        (say("隔离", "quarantined"), report.quarantined),
    ):
        outcomes += [(f"{group}: {reason}", count, bar(count / total)) for reason, count in counts.items()]
    units = ((say("文档", "documents"), "documents"), (say("字符", "characters"), "characters"))
    heads = [f"{name} {side}" for name, _ in units for side in (say("入", "in"), say("出", "out"))]
    steps = [
        (name, *(int(step[f"{key}_{side}"]) for _, key in units for side in ("in", "out")))
        for name, step in report.steps.items()
    ]
    sources = [
        (name, its["read"], its["kept"], sum(its["dropped"].values()), sum(its["quarantined"].values()))
        for name, its in report.sources.items()
    ]
    read = say(
        f"读入 {report.read:,} 条，{report.characters_read:,} 个字符；保留 {report.kept:,} 篇，"
        f"{report.characters_kept:,} 个字符，{report.tokens_kept:,} 个词元。",
        f"{report.read:,} records with {report.characters_read:,} characters were read; {report.kept:,} documents with "
        f"{report.characters_kept:,} characters and {report.tokens_kept:,} tokens are kept.",
    )
    source_heads = [say("来源", "source"), say("读入", "read"), say("保留", "kept"), say("去除", "dropped")]
    parts = [
        faint(read),
        table(["", say("文档", "documents"), ""], outcomes),
        heading(say("步骤", "Steps")),
        table([say("步骤", "step"), *heads], steps),
        heading(say("来源", "Sources")),
        table([*source_heads, say("隔离", "quarantined")], sources),
    ]
    return block(*parts)


def reasons(folder: Path, report: CorpusReport) -> list[tuple[str, str]]:
    """Return (what the page shows, folder name) of every reason of which records are kept."""
    counts = {folder_of(reason): count for reason, count in {**report.dropped, **report.quarantined}.items()}
    kept = sorted(path.name for path in (folder / "rejected").glob("*") if path.is_dir() and not path.is_symlink())
    return [(f"{name} ({counts[name]:,})" if name in counts else name, name) for name in kept]


@dataclass(frozen=True)
class Rejects:
    """A page of rejected records."""

    records: list[dict[str, Any]]
    after: Cursor | None
    """Where the next page begins; None at the end."""


def read_rejects(folder: Path, reason: Any, start: Cursor = (0, 0), count: int = PAGE_RECORDS) -> Rejects:
    """Return some records of ``rejected/<reason>/``, from a place on.

    Raises:
        UserError: no records are kept under such a reason; the reason is looked up, never joined to a path.
    """
    known = {path.name: path for path in (folder / "rejected").glob("*") if path.is_dir() and not path.is_symlink()}
    if not isinstance(reason, str) or reason not in known:
        found, fix = "another", f"one of: {', '.join(sorted(known)) or 'none'}"
        raise UserError.at("reason", expected="a reason of this corpus", found=found, fix=fix)
    files = [path for path in sorted(known[reason].glob("*.jsonl")) if path.is_file() and not path.is_symlink()]
    records: list[dict[str, Any]] = []
    number, offset = start
    while number < len(files):
        with open(files[number], "rb") as stream:
            stream.seek(offset)
            while line := stream.readline(LONGEST_LINE):
                if len(records) == count:
                    return Rejects(records, (number, offset))
                whole = line.endswith(b"\n")
                records.append(_record(line, whole))
                while not whole and (rest := stream.readline(LONGEST_LINE)):
                    whole = rest.endswith(b"\n")
                offset = stream.tell()
        number, offset = number + 1, 0
    return Rejects(records, None)


def _record(line: bytes, whole: bool) -> dict[str, Any]:
    try:
        value = json.loads(line) if whole else None
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"text": line[:4000].decode("utf-8", "replace")}


def rejects_html(rejects: Rejects, say: Say) -> str:
    """Return records as cards: the text first, then what else is known of it."""
    if not rejects.records:
        return block(faint(say("没有记录。", "No records.")))
    cards = []
    for record in rejects.records:
        text = str(record.get("text", ""))
        rest = len(text) - SHOWN_CHARACTERS
        more = say(f"……还有 {rest:,} 个字符", f"… {rest:,} characters more") if rest > 0 else ""
        facts = " · ".join(
            f"{key}: {value}" for key, value in record.items() if key != "text" and value not in (None, "")
        )
        cards.append(
            f'<div class="card"><p>{html.escape(text[:SHOWN_CHARACTERS])}<span class="faint">{more}</span></p>'
            f'<span class="faint">{html.escape(facts)}</span></div>'
        )
    return block(*cards)


def lay_out(desk: Desk, say: Say) -> list[Choice]:
    """Lay the tab out."""
    import gradio as gr

    if desk.config.root is None and not desk.places.of("corpus"):
        nothing_here(say, "--corpus")
        return []
    corpora = choose(desk, say("语料文件夹", "Corpus folder"), "corpus")
    folder = corpora.dropdown
    show = gr.Button(say("打开", "Open"), variant="primary")
    report = gr.HTML()
    with gr.Group(visible=False) as drill:
        reason = gr.Dropdown([], label=say("为什么被去除或隔离", "Why it was dropped or quarantined"))
        with gr.Row():
            before = gr.Button(say("上一页", "Previous"), interactive=False)
            after = gr.Button(say("下一页", "Next"), interactive=False)
        records = gr.HTML()
    starts, following = gr.State([]), gr.State(None)

    def shown(name: Any, why: Any, begins: list[Cursor]) -> tuple[Any, ...]:
        found = read_rejects(desk.places.find("corpus", name).path, why, begins[-1])
        buttons = gr.Button(interactive=len(begins) > 1), gr.Button(interactive=found.after is not None)
        return rejects_html(found, say), begins, found.after, *buttons

    def opened(name: Any) -> tuple[Any, ...]:
        path = desk.places.find("corpus", name).path
        found = load_report(path)
        known = reasons(path, found)
        why = known[0][1] if known else None
        page = shown(name, why, [(0, 0)]) if known else ("", [], None, gr.skip(), gr.skip())
        return report_html(found, say), gr.Group(visible=bool(known)), gr.Dropdown(choices=known, value=why), *page

    def first(name: Any, why: Any) -> tuple[Any, ...]:
        return shown(name, why, [(0, 0)])

    def forward(name: Any, why: Any, begins: list[Cursor], place: Cursor | None) -> tuple[Any, ...]:
        return shown(name, why, [*begins, place] if place else begins)

    def back(name: Any, why: Any, begins: list[Cursor], place: Cursor | None) -> tuple[Any, ...]:
        return shown(name, why, begins[:-1] or [(0, 0)])

    page = [records, starts, following, before, after]
    show.click(told(opened, say, 8), folder, [report, drill, reason, *page], api_visibility="private")
    reason.input(told(first, say, 5), [folder, reason], page, api_visibility="private")
    for button, move in ((before, back), (after, forward)):
        button.click(told(move, say, 5), [folder, reason, starts, following], page, api_visibility="private")
    return [corpora]
