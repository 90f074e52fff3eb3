"""Every task on its real set, from an encoder's weights and from random ones, into the table of docs/results.md.

    python scripts/reproduce/tasks.py --model DIR --work DIR [--data ../shared/data/tasks] [--seeds 3] [--only ROW ...]
                                      [--write docs/results.md]

DIR is an encoder's folder, such as the demo's. Each run is one `macbert finetune` command, printed as it starts, and
one `macbert evaluate`. What is done already is not done again, so a run that was stopped goes on. Rows and settings
are in `ROWS`. Training sets are cut to their first texts (`--max-train-samples`), so that a run takes about a minute on
one core: the table compares arms and heads at one small budget, and is no state of the art.

Sets without a labelled test, or without a training file, are cut by the order of their texts, as `SETS` says. The dev
part only chooses the best pass; figures are of the test part.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from corpus.errors import Problem
from macbert.annotations import Entity, Example, read_format, write_examples
from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune

BEGIN, END = "<!-- results: tasks -->", "<!-- /results: tasks -->"

TASKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "tasks"
Cut = tuple[str, int, int | None]
"""File below the tasks, first text and one past the last."""


@dataclass(frozen=True)
class Parts:
    """Which texts of which files are train, dev and test."""

    format: str
    """As ``macbert data convert --source`` names it."""

    train: Cut
    """What is learnt from."""

    dev: Cut
    """What chooses the best pass."""

    test: Cut
    """What is scored."""

    change: Callable[[Example], Example | None] | None = None
    """Makes another task of the labels; texts for which it gives None are left out."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    task: str
    """As on the command line."""

    set: str
    """Of ``SETS``."""

    metrics: tuple[str, ...]
    """What the table shows, the first in bold."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Of ``macbert finetune``."""


def event_types(example: Example) -> Example:
    """Return a text labelled with the types of its events: several, one or none."""
    kinds = tuple(sorted({event.type for event in example.events or ()}))
    return replace(example, events=None, labels=kinds)


def common_relations(example: Example) -> Example | None:
    """Return a text with its relations of the four commonest predicates, if it has any."""
    kept = tuple(item for item in example.relations or () if item.predicate in PREDICATES)
    return replace(example, relations=kept) if kept else None


def common_events(example: Example) -> Example | None:
    """Return a text with its events of the three commonest types, if it has any."""
    kept = tuple(event for event in example.events or () if event.type in EVENT_TYPES)
    return replace(example, events=kept) if kept else None


def once(example: Example) -> Example:
    """Return a text with each entity once and no relations."""
    entities = tuple(Entity(*key) for key in sorted({entity.key for entity in example.entities or ()}))
    return replace(example, entities=entities, relations=None, extra={})


PREDICATES = ("作者", "歌手", "主演", "导演")
EVENT_TYPES = ("竞赛行为-胜负", "产品行为-发布", "人生-死亡")
"""The commonest of the sets; with all 48 predicates or 65 types a small encoder answers nothing after some minutes."""

DUEE, DUIE, CMRC = "ee_duee_dev/public1000", "re_duie_sample5000/train", "mrc_cmrc2018/dev"
SIGHAN = "csc_sighan_train13_14_15/train"

SETS = {
    "cls_chnsenticorp": Parts(
        "macbert",
        ("cls_chnsenticorp/train", 0, None),
        ("cls_chnsenticorp/dev", 0, 400),
        ("cls_chnsenticorp/test_dedup", 0, None),
    ),
    "pair_lcqmc": Parts(
        "macbert", ("pair_lcqmc/dev", 0, 8000), ("pair_lcqmc/dev", 8000, 8500), ("pair_lcqmc/test", 0, 2000)
    ),
    "ee_duee_dev, types": Parts("duee", (DUEE, 0, 700), (DUEE, 700, 800), (DUEE, 800, None), event_types),
    "ner_cluener": Parts(
        "macbert", ("ner_cluener/train", 0, 10000), ("ner_cluener/train", 10000, 10200), ("ner_cluener/dev", 0, None)
    ),
    "re_literature_docs": Parts(
        "plain-documents",
        ("re_literature_docs/training", 0, None),
        ("re_literature_docs/validation", 0, 8),
        ("re_literature_docs/testing", 0, 30),
        once,
    ),
    "re_duie_sample5000, 4 predicates": Parts(
        "duie", (DUIE, 0, 3100), (DUIE, 3100, 3400), (DUIE, 3400, None), common_relations
    ),
    "ee_duee_dev, 3 types": Parts("duee", (DUEE, 0, 600), (DUEE, 600, 700), (DUEE, 700, None), common_events),
    "mrc_cmrc2018": Parts("plain-reading", (CMRC, 0, 2400), (CMRC, 2500, 2560), (CMRC, 2700, 2900)),
    "csc_sighan": Parts("macbert", (SIGHAN, 200, None), (SIGHAN, 0, 200), ("csc_sighan15/test", 0, None)),
}
"""The parts of every set. LCQMC lacks its training file here, so its dev file is learnt from. CLUENER's test has no
labels, so its dev is scored. The questions of a CMRC paragraph lie together: some 100 between two parts are left out,
so that no paragraph is in both."""

RATES = {"learning_rate": 5e-4, "head_learning_rate": 2e-3}
"""Of every row and arm; high, since the encoder is tiny and random weights have far to go."""

LINKS = {"learning_rate": 1.5e-3, "head_learning_rate": 5e-3, "per_device_train_batch_size": 8}
"""Of GPLinker's rows, in both arms: it answers only where three heads agree, and small steps do not get it there
(chosen on dev with seed 100)."""

NAMES = {"max_length": 64, "stride": 16, "max_train_samples": 1500, "num_train_epochs": 6}
NESTED = {"max_length": 64, "stride": 16, "max_train_samples": 24, "num_train_epochs": 15}
"""Chosen on dev with seed 100: after 6 passes over 16 texts pointers had hardly begun to answer."""

ROWS = {
    "classify, one text": Row(
        "classify",
        "cls_chnsenticorp",
        ("accuracy", "macro_f1", "matthews"),
        {"max_length": 128, "stride": 32, "max_train_samples": 1200, "num_train_epochs": 3},
    ),
    "classify, pairs": Row(
        "classify",
        "pair_lcqmc",
        ("accuracy", "macro_f1"),
        {"max_length": 64, "stride": 16, "max_train_samples": 2500, "num_train_epochs": 3},
    ),
    "classify, several labels": Row(
        "classify",
        "ee_duee_dev, types",
        ("micro_f1", "macro_f1", "exact_match"),
        {"max_length": 128, "stride": 32, "num_train_epochs": 25},
    ),
    "ner, BIO": Row("ner", "ner_cluener", ("strict_span_f1", "cluener_f1", "boundary_f1"), {"head": "bio", **NAMES}),
    "ner, BIO + CRF": Row(
        "ner", "ner_cluener", ("strict_span_f1", "cluener_f1", "boundary_f1"), {"head": "crf", **NAMES}
    ),
    "ner, pointers": Row(
        "ner", "ner_cluener", ("strict_span_f1", "cluener_f1", "boundary_f1"), {"head": "pointer", **NAMES}
    ),
    "nested ner, BIO": Row("ner", "re_literature_docs", ("strict_span_f1", "boundary_f1"), {"head": "bio", **NESTED}),
    "nested ner, pointers": Row(
        "ner", "re_literature_docs", ("strict_span_f1", "boundary_f1"), {"head": "pointer", **NESTED}
    ),
    "relation": Row(
        "relation",
        "re_duie_sample5000, 4 predicates",
        ("duie_f1", "span_f1"),
        {"max_length": 128, "stride": 32, "num_train_epochs": 15, **LINKS},
    ),
    "event": Row(
        "event",
        "ee_duee_dev, 3 types",
        ("duee_f1", "strict_argument_f1", "trigger_f1"),
        {"max_length": 128, "stride": 32, "num_train_epochs": 40, **LINKS},
    ),
    "mrc": Row(
        "mrc",
        "mrc_cmrc2018",
        ("f1", "exact_match"),
        {"max_length": 256, "stride": 64, "max_train_samples": 250, "num_train_epochs": 2},
    ),
    "correct": Row(
        "correct",
        "csc_sighan",
        ("sentence_correction_f1", "character_correction_f1", "over_correction_rate"),
        {"max_length": 64, "stride": 16, "max_train_samples": 1000, "num_train_epochs": 3},
    ),
}


def prepare(data: Path, work: Path, name: str) -> dict[str, Path]:
    """Write a set's parts as JSON lines and return their paths; what is wrong in the source is left out."""
    parts, folder = SETS[name], work / "data" / name
    paths = {part: folder / f"{part}.jsonl" for part in ("train", "dev", "test")}
    for part, path in paths.items():
        if path.is_file():
            continue
        file, first, last = getattr(parts, part)
        (source,) = data.glob(f"{file}.jsonl*")
        examples = [item for item in read_format(parts.format, source) if not isinstance(item, Problem)][first:last]
        folder.mkdir(parents=True, exist_ok=True)
        changed = map(parts.change, examples) if parts.change else examples
        write_examples(path, [example for example in changed if example is not None])
    return paths


def run(name: str, paths: dict[str, Path], model: str, init: str, seed: int, folder: Path) -> dict[str, Any]:
    """Fine-tune and score one arm of a row with one seed, and return the test metrics."""
    row = ROWS[name]
    given = {
        "model": model,
        "train": str(paths["train"]),
        "dev": str(paths["dev"]),
        "output": str(folder),
        "init": init,
        "seed": seed,
        "per_device_train_batch_size": 16,
        "unseen_dev_labels": "miss",
        **RATES,
        **row.settings,
    }
    flags = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in given.items())
    print(f"macbert finetune {row.task} {flags}", flush=True)
    start = time.process_time()
    result = finetune(FinetuneConfig(task=row.task, **given))
    print(f"macbert evaluate {row.task} --model {folder} --data {paths['test']}", flush=True)
    scored = evaluate(EvaluateConfig(task=row.task, model=str(folder), data=str(paths["test"])))
    return {
        "metrics": dict(scored.scores.metrics),
        "dev": result.value,
        "train_texts": result.train_examples,
        "test_texts": scored.scores.examples,
        "cpu_seconds": time.process_time() - start,
    }


def table(done: dict[str, dict[str, Any]]) -> str:
    """Return the Markdown table of finished runs."""
    lines = [
        "| task | set (train / test texts, passes) | metric | from the encoder | from random weights | seeds |",
        "|-|-|-|-|-|-|",
    ]
    for name, row in ROWS.items():
        arms = {
            init: [run for key, run in sorted(done.items()) if key.startswith(f"{name}|{init}|")]
            for init in ("pretrained", "random")
        }
        if not any(arms.values()):
            continue
        some = next(runs[0] for runs in arms.values() if runs)
        of = f"{row.set} ({some['train_texts']:,} / {some['test_texts']:,}, {row.settings['num_train_epochs']})"
        seeds = " / ".join(str(len(runs)) for runs in arms.values())
        for number, metric in enumerate(row.metrics):
            cells = []
            for runs in arms.values():
                values = [one["metrics"][metric] for one in runs]
                spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
                text = f"{mean(values):.4f}{spread}" if values else "-"
                cells.append(f"**{text}**" if number == 0 and values else text)
            start = f"| {name} | {of} " if number == 0 else "| | "
            lines.append(f"{start}| `{metric}` | {' | '.join(cells)} | {seeds if number == 0 else ''} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=TASKS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--init", nargs="+", default=["pretrained", "random"], choices=["pretrained", "random"])
    parser.add_argument("--write", type=Path, help="Markdown file in which the table stands between its two marks")
    parser.add_argument("--only", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="ROW")
    options = parser.parse_args()
    record = options.work / "runs.json"
    done: dict[str, Any] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for seed in range(options.seeds):
        for name in options.only:
            paths = prepare(options.data, options.work, ROWS[name].set)
            for init in options.init:
                key = f"{name}|{init}|{seed}"
                if key in done:
                    continue
                folder = options.work / "models" / f"{name.replace(', ', '-').replace(' ', '-')}-{init}-{seed}"
                done[key] = run(name, paths, options.model, init, seed, folder)
                record.write_text(json.dumps(done, ensure_ascii=False, indent=1), encoding="utf-8")
    text = table(done)
    print(text)
    if options.write:
        before, rest = options.write.read_text(encoding="utf-8").split(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
