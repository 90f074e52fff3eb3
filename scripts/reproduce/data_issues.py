"""Read every labelled set of ../shared/data/tasks; write what is wrong or odd in the sources to docs/data-issues.md.

    python scripts/reproduce/data_issues.py [--data DIR] [--output docs/data-issues.md]

Each file is converted to the annotation format (what its reader leaves out or finds wrong is counted by kind), the
result is validated, and converted back: the records must be those of the source again, but for those with a problem.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from corpus.errors import Problem
from macbert.annotations import Example, ValidateConfig, read_examples, read_format, write_format
from macbert.annotations.reading import json_lines
from macbert.annotations.validation import look_over

TASKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "tasks"

FORMATS = {
    "cws_": "plain-tags",
    "ner_conllpp": "plain-tags",
    "ee_cec": "plain-events",
    "ee_duee": "duee",
    "fewclue": "fewclue",
    "mrc_c3": "plain-reading",
    "mrc_cmrc": "plain-reading",
    "mrc_drcd": "plain-reading",
    "re_duie": "duie",
    "re_literature": "plain-documents",
    "re_": "plain-triples",
}
"""Format of a file by how its path begins, the first that fits; all others are in the annotation format already."""

TRAINING = ("train", "training", "train_few_all")
"""Names of training files: the other files of a folder are compared with them."""


@dataclass
class Finding:
    """What one file came to."""

    name: str
    """Path below the tasks, without ``.jsonl`` and ``.zst``."""

    format: str
    """As ``macbert data convert --source`` names it."""

    records: int
    """Lines of the file."""

    texts: int
    """Examples that they gave."""

    changed: int
    """Records that did not come back as they were."""

    problems: Counter[str]
    """By kind."""

    faulty: int
    """Records with a problem."""

    odd: dict[str, int]
    """Counts of ``macbert data validate``."""


def format_of(name: str) -> str:
    """Return the format of a file by its path below the tasks."""
    return next((kind for start, kind in FORMATS.items() if name.startswith(start)), "macbert")


def files(tasks: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name, path) of every file of labelled texts; DuEE's schema is a list of types, not of texts."""
    for path in sorted(tasks.rglob("*.jsonl*")):
        if path.name != "schema.jsonl":
            yield str(path.relative_to(tasks)).split(".jsonl")[0], path


def kind_of(problem: Problem) -> str:
    """Return a problem without its numbers and texts."""
    words = f"{problem.expected}: {problem.found}"
    return re.sub(r"-?\d+", "N", re.sub(r"'[^']*'", "'…'", words))


def canonical(records: Iterable[Any]) -> Counter[str]:
    """Return records by their JSON, in one of the spellings that the annotation format has for the same."""
    return Counter(json.dumps(_one_spelling(record), ensure_ascii=False, sort_keys=True) for record in records)


def look_at(name: str, path: Path, work: Path, limit: int | None = None, training: Path | None = None) -> Finding:
    """Convert, validate and convert back one file, or its first ``limit`` records.

    ``training`` is a converted file whose texts and labels the file's are compared with.
    """
    source = work / "source.jsonl"
    records = [value for value, _, _ in islice(json_lines(path), limit)]
    source.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    kind = format_of(name)
    items = list(read_format(kind, source))
    problems = [item for item in items if isinstance(item, Problem)]
    examples = [item for item in items if isinstance(item, Example)]
    ours, back = work / "ours.jsonl", work / "back.jsonl"
    write_format("macbert", ours, examples)
    assert read_examples(ours) == examples, name
    write_format(kind, back, read_examples(ours))
    changed = canonical(records) - canonical(value for value, _, _ in json_lines(back))
    result, wrong = look_over(ValidateConfig(input=[*([str(training)] if training else []), str(ours)]))
    alone, own = look_over(ValidateConfig(input=[str(ours)]))
    # Labels that the training texts lack are a matter of the pair; repeated entities of the file itself.
    unknown = [problem for problem in wrong if problem.expected == "a known label"]
    odd = {
        "said twice": len(alone.duplicates),
        "said twice otherwise": len(alone.contradictions),
        "in train too": len(result.leaks),
        "labels that train lacks": len({p.found for p in unknown}) if training else 0,
        "overlapping": alone.overlapping,
        "repeated relations": alone.repeated_relations,
        "white space at a span's end": alone.edges,
    }
    return Finding(
        name=name,
        format=kind,
        records=len(records),
        texts=len(examples),
        changed=sum(changed.values()),
        problems=Counter(map(kind_of, [*problems, *own])),
        faulty=len({problem.where for problem in problems}),
        odd={key: count for key, count in odd.items() if count},
    )


def page(findings: list[Finding]) -> str:
    """Return the document."""
    lines = [HEAD]
    for finding in findings:
        for problem, count in sorted(finding.problems.items()):
            lines.append(f"| {finding.name} | {problem} | {count:,} | {done(problem)} |")
    lines.append(ODDITIES)
    for finding in findings:
        for oddity, count in finding.odd.items():
            lines.append(f"| {finding.name} | {oddity} | {count:,} | {finding.texts:,} |")
    lines.append(FILES)
    for f in findings:
        lines.append(f"| {f.name} | {f.format} | {f.records:,} | {f.texts:,} | {f.faulty:,} | {f.changed:,} |")
    return "\n".join([*lines, NOTES])


HEAD = """\
# What is wrong in the labelled sets

Written by `python scripts/reproduce/data_issues.py`; tests/annotations/test_every_set.py holds it. Every file of the
development data's `tasks` folder is read by `macbert data convert --source FORMAT`, checked by `macbert data
validate`, and converted back. Every record without a problem comes back as it was. Nothing is left out silently: what a
reader could not keep is counted here, by what was expected and what stood there (N for numbers, … for texts).

## Problems

| set | problem | count | what is done |
|-|-|-|-|"""

ODDITIES = """
## Oddities

Not wrong by itself, but it moves scores. `said twice`: the same text with the same annotation earlier in the file;
`said twice otherwise`: with another annotation; `in train too`: the text stands in the set's training file;
`overlapping`: pairs of entities, which BIO cannot say.

| set | oddity | count | of texts |
|-|-|-|-|"""

FILES = """
## All files

| set | format | records | texts | records with a problem | of them changed on the way back |
|-|-|-|-|-|-|"""

NOTES = """
## What these forms cannot show

- Forms without surfaces (`[start, end, type]`) hide a span that is off by one: the staged copy of Chinese-Literature is
  said to have some 4 % of them. Nothing is mended by guess.
- A surface without offsets (DuIE, triples) stands at the place nearest to its partner; 22 % of DuIE's triples have an
  argument that stands more than once.
- C3, CHID and CLUEWSC become pairs: a text, and a question with its choice; their scores as pairs are not the sets' own
  accuracy over questions.
- Words without parts of speech (`cws_icwb2`) become entities of the type 词: strict span F1 is then their word F1.
"""


def done(problem: str) -> str:
    """Return what happens to what is wrong, in a phrase."""
    if problem.startswith("each entity once"):
        return "kept; counts once"
    if "sound answer" in problem:
        return "the question is left out"
    return "the label is left out, the text kept"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=TASKS)
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parents[2] / "docs" / "data-issues.md")
    options = parser.parse_args()
    options.output.write_text(page(all_findings(options.data)), encoding="utf-8")
    return 0


def all_findings(tasks: Path, limit: int | None = None) -> list[Finding]:
    """Return a finding for each file; those of a folder with a training file are compared with it."""
    findings = []
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        training: dict[Path, Path] = {}
        for name, path in sorted(files(tasks), key=_training_first):
            last = name.rsplit("/", 1)[-1]
            known = None if last.startswith("train") else training.get(path.parent)
            findings.append(look_at(name, path, work, limit, known))
            if last in TRAINING:
                training[path.parent] = (work / "ours.jsonl").rename(work / f"training-{len(training)}.jsonl")
    return findings


def _training_first(item: tuple[str, Path]) -> tuple[str, bool, str]:
    folder, _, last = item[0].rpartition("/")
    return folder, last not in TRAINING, last


def _one_spelling(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with ``text`` and ``text_pair`` for ``text_a`` and ``text_b``, ids as strings, spans as lists."""
    names = {"text_a": "text", "text_b": "text_pair"}
    record = {names.get(key, key): value for key, value in record.items()}
    if "id" in record:
        record["id"] = str(record["id"])
    if (entities := record.get("entities")) and isinstance(entities[0], dict):
        record["entities"] = [[e["start"], e["end"], e["type"]] for e in entities]
    return record


if __name__ == "__main__":
    raise SystemExit(main())
