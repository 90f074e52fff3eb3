"""The audit as a page without a network, and as a section of a model card."""

from __future__ import annotations

from html import escape

from macbert.audit.result import AuditResult

BEGIN, END = "<!-- macbert audit -->", "<!-- /macbert audit -->"

_MEANING = {
    "Exposure of planted secrets": (
        "Bits = log2(N / rank) of the planted secret among N of the same form (Carlini et al. 2019). Never-planted "
        "secrets are the control. Bits that grow with the count are memory."
    ),
    "Recall of personal data": (
        "Restored: the most probable token at every place of the data, hidden one by one, is the right one. Bits: rank "
        "among made-up data of the same shape."
    ),
    "Gaps between groups": (
        "How much more a target draws the first group's word than the second's, against a neutral sentence (Kurita et "
        "al. 2019). A template says little by itself; look at intervals, and expect one in twenty by chance."
    ),
}


def page(result: AuditResult) -> str:
    """Return report.html."""
    parts = [f"<h1>Audit of {escape(result.model)}</h1>"]
    parts += [f"<p>{escape(label)}: {escape(value)}</p>" for label, value in result.summary()[1:2]]
    for title, head, rows in result.tables():
        top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        meaning = escape(_MEANING[title])
        parts.append(f"<h2>{escape(title)}</h2><p>{meaning}</p><table><tr>{top}</tr>{body}</table>")
        if title == "Exposure of planted secrets":
            parts.append(_bars(result))
    return _PAGE.format(title=escape(result.model), body="\n".join(parts))


def card(result: AuditResult) -> str:
    """Return the section of a model card, between its two marks."""
    lines = [BEGIN, "## Audit", ""]
    for title, head, rows in result.tables():
        shown = [row for row in rows if "(not clear)" not in row[2]] if title == "Gaps between groups" else rows
        lines += [f"### {title}", "", _MEANING[title], ""]
        if not shown:
            lines += [f"None of {len(rows)} targets has an interval that leaves out 0.", ""]
            continue
        lines += ["| " + " | ".join(head) + " |", "|" + "-|" * len(head)]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in shown] + [""]
    return "\n".join([*lines, END, ""])


def with_card(readme: str, section: str) -> str:
    """Return a model card with the section in it: in place of an older one, else at its end.

    >>> with_card("# A\\n" + BEGIN + "old" + END + "\\nB", BEGIN + "new" + END + "\\n")
    '# A\\n<!-- macbert audit -->new<!-- /macbert audit -->\\nB'
    """
    before, begin, rest = readme.partition(BEGIN)
    if begin and END in rest:
        return before + section.rstrip("\n") + rest.partition(END)[2]
    return (readme.rstrip("\n") + "\n\n" if readme.strip() else "") + section


def _bars(result: AuditResult) -> str:
    """Draw mean bits by count as bars with their intervals."""
    most = max([e.high for e in result.exposures] + [1.0])
    height, width, step = 160, 60, 90
    parts = []
    for number, e in enumerate(result.exposures):
        x, y = 40 + number * step, height - height * e.mean / most
        low, high = (height - height * value / most for value in (e.low, e.high))
        middle = x + width / 2
        parts.append(
            f'<rect x="{x}" y="{y:.1f}" width="{width}" height="{height - y:.1f}" fill="#7aa6d9"/>'
            f'<line x1="{middle}" x2="{middle}" y1="{low:.1f}" y2="{high:.1f}" stroke="#222"/>'
            f'<text x="{middle}" y="{height + 18}" text-anchor="middle">{e.planted} times</text>'
        )
    size = 60 + step * len(result.exposures)
    return f'<svg viewBox="0 -10 {size} {height + 40}" width="{size}" role="img">{"".join(parts)}</svg>'


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Audit of {title}</title>
<style>
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #ccc; padding: .15rem .5rem; text-align: left; }}
</style>
{body}
</html>
"""
