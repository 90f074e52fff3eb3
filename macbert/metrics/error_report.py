"""Where an extractor errs: one HTML page, readable without a network, the texts highlighted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape

from macbert.annotations.schema import Entity, Example
from macbert.metrics.counts import Counts, Scores

SHOWN = 100
"""Texts with errors on the page."""

_LENGTHS = (1, 2, 4, 8, 16)
_FREQUENCIES = (1, 2, 5, 20)


@dataclass(frozen=True)
class SpanError:
    """One disagreement between gold and prediction."""

    kind: str
    """missed, spurious, type (right stretch, wrong type) or boundary (right type, overlapping stretch)."""

    gold: Entity | None
    """What should have been found."""

    predicted: Entity | None
    """What was found."""


def span_errors(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[SpanError]:
    """Pair what disagrees in one text: first the same stretch with another type, then the same type overlapping.

    >>> [error.kind for error in span_errors([Entity(0, 4, "机构")], [Entity(0, 2, "机构"), Entity(5, 6, "人物")])]
    ['boundary', 'spurious']
    """
    right = {e.key for e in gold} & {e.key for e in predicted}
    missing = [e for e in gold if e.key not in right]
    extra = [e for e in predicted if e.key not in right]
    errors = []
    for kind in ("type", "boundary"):
        for wanted in list(missing):
            for found in extra:
                same = (wanted.start, wanted.end) == (found.start, found.end)
                crossing = wanted.start < found.end and found.start < wanted.end and wanted.type == found.type
                if same if kind == "type" else crossing:
                    errors.append(SpanError(kind, wanted, found))
                    missing.remove(wanted)
                    extra.remove(found)
                    break
    errors += [SpanError("missed", entity, None) for entity in missing]
    return errors + [SpanError("spurious", None, entity) for entity in extra]


def entity_report(gold: Sequence[Example], predicted: Sequence[Example], scores: Scores, title: str) -> str:
    """Return the page for named entities: figures, kinds of errors, confusion, recall by length and by frequency."""
    pairs = [(g, span_errors(g.entities or (), p.entities or ())) for g, p in zip(gold, predicted, strict=True)]
    kinds = Counter(error.kind for _, errors in pairs for error in errors)
    confused = Counter(
        (error.gold.type, error.predicted.type)
        for _, errors in pairs
        for error in errors
        if error.kind == "type" and error.gold and error.predicted
    )
    surfaces = Counter(g.slice(e) for g in gold for e in g.entities or ())
    parts = [
        f"<h1>{escape(title)}</h1>",
        _table("Figures", ("metric", "value"), [(name, f"{value:.4f}") for name, value in scores.metrics.items()]),
        _table("By type", ("type", "P", "R", "F1", "gold"), [_row(*item) for item in scores.per_type.items()]),
        _table("Kinds of errors", ("kind", "count"), kinds.most_common()),
        _table("Confused types", ("gold", "predicted", "count"), [(*k, n) for k, n in confused.most_common(30)]),
        _table("Recall by length", ("characters", "gold", "recall"), _recall(gold, predicted, _LENGTHS, None)),
        _table(
            "Recall by how often the name stands in this gold",
            ("times", "gold", "recall"),
            _recall(gold, predicted, _FREQUENCIES, surfaces),
        ),
        "<h2>Texts</h2>",
    ]
    wrong = sorted((pair for pair in pairs if pair[1]), key=lambda pair: -len(pair[1]))
    parts += [_text(example, errors) for example, errors in wrong[:SHOWN]]
    return _PAGE.format(title=escape(title), body="\n".join(parts))


def event_report(gold: Sequence[Example], predicted: Sequence[Example], scores: Scores, title: str) -> str:
    """Return the page for events: triggers under their event's type, arguments under ``type/role``."""
    return entity_report([_as_names(e) for e in gold], [_as_names(e) for e in predicted], scores, title)


def label_report(
    gold: Sequence[str], predicted: Sequence[str], texts: Sequence[str], scores: Scores, title: str
) -> str:
    """Return the page for classes: figures, confusion, and the texts that were put wrong."""
    labels = sorted({*gold, *predicted})
    pairs = Counter(zip(gold, predicted, strict=True))
    # Answers and corrections are no classes: a table of all against all would be empty but for its diagonal.
    table = [(right, *(pairs[right, found] for found in labels)) for right in labels] if len(labels) <= 50 else []
    wrong = [(t, g, p) for t, g, p in zip(texts, gold, predicted, strict=True) if g != p]
    parts = [
        f"<h1>{escape(title)}</h1>",
        _table("Figures", ("metric", "value"), [(name, f"{value:.4f}") for name, value in scores.metrics.items()]),
        _table("Gold (rows), predicted (columns)", ("", *labels), table) if table else "",
        _table(f"{len(wrong)} texts put wrong", ("text", "gold", "predicted"), wrong[:SHOWN]),
    ]
    return _PAGE.format(title=escape(title), body="\n".join(parts))


def _as_names(example: Example) -> Example:
    names: dict[Entity, None] = {}  # an argument of two events stands once
    for event in example.events or ():
        if event.trigger is not None:
            names[Entity(event.trigger.start, event.trigger.end, event.type)] = None
        for argument in event.arguments:
            names[Entity(argument.start, argument.end, f"{event.type}/{argument.role}")] = None
    return replace(example, entities=tuple(names))


def _recall(
    gold: Sequence[Example], predicted: Sequence[Example], bounds: Sequence[int], times: Counter[str] | None
) -> list[tuple[str, int, str]]:
    cells: dict[int, Counts] = {bound: Counts() for bound in bounds}
    for right, found in zip(gold, predicted, strict=True):
        known = {entity.key for entity in found.entities or ()}
        for entity in right.entities or ():
            size = entity.end - entity.start if times is None else times[right.slice(entity)]
            cell = max(bound for bound in bounds if bound <= size)
            cells[cell] += Counts(entity.key in known, 0, 1)
    return [(f"from {bound}", int(c.gold), f"{c.recall:.4f}") for bound, c in cells.items() if c.gold]


def _row(label: str, counts: Counts) -> tuple[str, str, str, str, str]:
    return label, f"{counts.precision:.4f}", f"{counts.recall:.4f}", f"{counts.f1:.4f}", f"{counts.gold:g}"


def _table(title: str, head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    top = "".join(f"<th>{escape(str(cell))}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{top}</tr>{body}</table>"


def _text(example: Example, errors: Sequence[SpanError]) -> str:
    notes = []
    marked = [""] * len(example.text)
    for error in errors:
        entity = error.gold or error.predicted
        assert entity is not None
        for place in range(entity.start, entity.end):
            marked[place] = error.kind
        gold, found = (
            escape(f"{example.slice(e)} [{e.start}, {e.end}) {e.type}") if e else "—"
            for e in (error.gold, error.predicted)
        )
        notes.append(f"<li><b class={error.kind}>{error.kind}</b> gold {gold}, found {found}</li>")
    shown, last = "", ""
    for character, kind in zip(example.text, marked, strict=True):
        if kind != last:
            shown += ("</mark>" if last else "") + (f"<mark class={kind}>" if kind else "")
            last = kind
        shown += escape(character)
    return f"<section><p>{shown}{'</mark>' if last else ''}</p><ul>{''.join(notes)}</ul></section>"


_PAGE = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }}
table {{ border-collapse: collapse; }} td, th {{ border: 1px solid #ccc; padding: .15rem .5rem; text-align: left; }}
section {{ border-top: 1px solid #ddd; }} ul {{ font-size: .9em; }}
.missed {{ background: #ffd9d9; }} .spurious {{ background: #ffe9c2; }}
.type {{ background: #d9e6ff; }} .boundary {{ background: #e5d9ff; }}
</style>
{body}
</html>
"""
