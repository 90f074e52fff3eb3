"""brat's standoff: a folder of ``.txt`` files, each with its ``.ann``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from corpus.errors import Problem, UserError
from corpus.files import atomic_folder
from corpus.manifest import write_manifest
from corpus.outputs import own_output
from macbert.annotations.formats.records import bad_span
from macbert.annotations.schema import Argument, Entity, Event, Example, Relation, Trigger


def read_brat(path: Path) -> Iterator[Example | Problem]:
    """Read text-bound annotations (T), relations (R) and events (E); offsets are code points, ends exclusive.

    A stretch in several pieces (``3 5;8 9``) is a problem: the format here has no words for it. Attributes and notes
    (A, M, N, #) are passed over. An argument of an event that is an event itself is a problem too.
    """
    if not path.is_dir():
        raise UserError.at(path, expected="a folder of .txt and .ann files", found="a file", fix="give the folder")
    for text_path in sorted(path.glob("*.txt")):
        notes = text_path.with_suffix(".ann")
        if not notes.is_file():
            yield Problem(str(text_path), f"{notes.name} beside it", "none", "add an empty .ann if nothing is marked")
            continue
        # newline="" keeps \r\n as two characters, which is how brat counts.
        with open(text_path, encoding="utf-8", newline="") as stream:
            text = stream.read()
        yield from _document(text, text_path.stem, notes)


def _document(text: str, identifier: str, notes: Path) -> Iterator[Example | Problem]:
    spans: dict[str, Entity] = {}
    others: list[tuple[str, str, str]] = []
    for number, line in enumerate(notes.read_text(encoding="utf-8").split("\n"), 1):
        where = f"{notes}:{number}"
        columns = line.rstrip("\r").split("\t")
        if len(columns) < 2 or columns[0][:1] not in "TRE":
            continue
        if columns[0][0] != "T":
            others.append((columns[0], columns[1], where))
            continue
        kind, _, place = columns[1].partition(" ")
        if ";" in place:
            yield Problem(where, "a stretch in one piece", place, "mark it in one piece")
            continue
        start, end = (int(part) if part.isdigit() else -1 for part in [*place.split(" "), "", ""][:2])
        surface = columns[2] if len(columns) > 2 else None
        flat = surface if surface is None or "\n" not in text[max(start, 0) : end] else None
        if problem := bad_span(text, start, end, flat, where, columns[0]):
            yield problem
            continue
        spans[columns[0]] = Entity(start, end, kind)
    triggers = {body.split(" ")[0].split(":")[1] for name, body, _ in others if name[0] == "E" and ":" in body}
    entities = [key for key in spans if key not in triggers]
    places = {key: number for number, key in enumerate(entities)}
    relations, events = [], []
    for name, body, where in others:
        kind, *pairs = body.strip().split(" ")
        parts = [pair.partition(":")[::2] for pair in pairs if ":" in pair]
        if name[0] == "R":
            ends = dict(parts)
            if not {"Arg1", "Arg2"} <= set(ends) or not {ends["Arg1"], ends["Arg2"]} <= set(places):
                yield Problem(where, "Arg1 and Arg2 that are entities here", body, "mend the source")
                continue
            relations.append(Relation(places[ends["Arg1"]], kind, places[ends["Arg2"]]))
            continue
        label, trigger = kind.partition(":")[::2]
        unknown = [value for _, value in parts if value not in spans]
        if trigger not in spans or unknown:
            yield Problem(where, "a trigger and arguments that are marked here", body, "mend the source")
            continue
        arguments = tuple(Argument(role, spans[key].start, spans[key].end) for role, key in parts)
        events.append(Event(label, Trigger(spans[trigger].start, spans[trigger].end), arguments))
    yield Example(
        text,
        id=identifier,
        entities=tuple(spans[key] for key in entities),
        relations=tuple(relations) if relations else None,
        events=tuple(events) if events else None,
        where=str(notes),
    )


def write_brat(path: Path, examples: list[Example]) -> None:
    """Write one pair of files a text, named by its id or number, in a folder of its own."""
    with atomic_folder(own_output(path, "brat")) as made:
        for number, example in enumerate(examples):
            stem = example.id or f"{number:06d}"
            if "/" in stem or stem.startswith("."):
                raise UserError.at(
                    example.where or stem, expected="an id that can name a file", found=stem, fix="rename it"
                )
            with open(made / f"{stem}.txt", "w", encoding="utf-8", newline="") as stream:
                stream.write(example.text)
            lines = _notes(example)
            (made / f"{stem}.ann").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        write_manifest(made, "brat", config={}, inputs={}, documents=len(examples))


def _notes(example: Example) -> list[str]:
    def span(name: str, kind: str, item: Entity | Trigger | Argument) -> str:
        return f"{name}\t{kind} {item.start} {item.end}\t{example.slice(item)}".replace("\n", " ")

    names = {n: f"T{n + 1}" for n in range(len(example.entities or ()))}
    lines = [span(names[n], e.type, e) for n, e in enumerate(example.entities or ())]
    known = {(e.start, e.end): names[n] for n, e in enumerate(example.entities or ())}
    for number, relation in enumerate(example.relations or (), 1):
        ends = f"Arg1:{names[relation.subject]} Arg2:{names[relation.object]}"
        lines.append(f"R{number}\t{relation.predicate} {ends}")
    last = len(names)
    for number, event in enumerate(example.events or (), 1):
        if event.trigger is None:
            raise UserError.at(example.where or "text", expected="events with triggers", found="none", fix="mark it")
        last += 1
        lines.append(span(f"T{last}", event.type, event.trigger))
        parts = [f"{event.type}:T{last}"]
        for argument in event.arguments:
            if (argument.start, argument.end) not in known:
                last += 1
                known[argument.start, argument.end] = f"T{last}"
                lines.append(span(f"T{last}", "Argument", argument))
            parts.append(f"{argument.role}:{known[argument.start, argument.end]}")
        lines.append(f"E{number}\t{' '.join(parts)}")
    return lines
