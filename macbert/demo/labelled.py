"""Labelled examples for the two tasks, cut by document: what is tested on was never trained on, in any stage."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.document import Document
from corpus.files import atomic_file
from corpus.steps.normalise import normalise_text
from macbert.demo.source import TaggedParagraph, people_daily, reviews


@dataclass(frozen=True)
class Split:
    """The three files of a task; ``test`` holds examples of held-out documents only."""

    train: Path
    dev: Path
    test: Path
    rows: tuple[int, int, int]


@dataclass(frozen=True)
class Sizes:
    """Examples of each file, at most."""

    train: int
    dev: int
    test: int


Example = dict[str, Any]


def write_raw(folder: Path) -> list[Path]:
    """Write the demo's raw text as two JSON-lines files, as a user would bring them, and return their paths."""
    paths = [folder / "people_daily.jsonl", folder / "reviews.jsonl"]
    with atomic_file(paths[0]) as stream:
        for identifier, paragraphs in people_daily():
            text = "\n".join(paragraph.text for paragraph in paragraphs)
            stream.write(json.dumps({"id": identifier, "text": text}, ensure_ascii=False) + "\n")
    with atomic_file(paths[1]) as stream:
        for identifier, text, _ in reviews():
            stream.write(json.dumps({"id": identifier, "text": text}, ensure_ascii=False) + "\n")
    return paths


def write_labelled(
    folder: Path,
    documents: Iterable[Document],
    is_held_out: Callable[[Document], bool],
    sizes: dict[str, Sizes],
    seed: int,
) -> dict[str, Split]:
    """Write train, dev and test examples for ``ner`` and ``classify``.

    Args:
        folder: where ``ner/*.jsonl`` and ``classify/*.jsonl`` go.
        documents: the built corpus: duplicates are gone from it, and with them from the examples.
        is_held_out: whether the token stage keeps a document from pretraining; those are tested on.
        sizes: how many examples of each kind, by task.
        seed: which examples are drawn.
    """
    held_out = {document.id: is_held_out(document) for document in documents}
    names: dict[bool, dict[str, Example]] = {True: {}, False: {}}
    for identifier, paragraphs in people_daily():
        if identifier in held_out:
            for number, paragraph in enumerate(paragraphs):
                example = _name_example(f"{identifier}-{number:02d}", paragraph)
                names[held_out[identifier]].setdefault(example["text"], example)
    # A stock phrase ("by our own reporter") may stand in a training document too; then it tests nothing.
    tested_names = [example for text, example in names[True].items() if text not in names[False]]
    opinions: dict[bool, list[Example]] = {True: [], False: []}
    for identifier, text, label in reviews():
        if identifier in held_out:
            example = {"id": identifier, "text": normalise_text(text), "label": label}
            opinions[held_out[identifier]].append(example)
    return {
        "ner": _write(folder / "ner", list(names[False].values()), tested_names, sizes["ner"], seed),
        "classify": _write(folder / "classify", opinions[False], opinions[True], sizes["classify"], seed),
    }


def _name_example(identifier: str, paragraph: TaggedParagraph) -> Example:
    """Return a paragraph in the annotation format; words are normalised as the corpus is, and spans follow."""
    words = tuple((normalise_text(word), tag) for word, tag in paragraph.words)
    clean = TaggedParagraph(words)
    entities = [{"start": start, "end": end, "type": kind} for start, end, kind in clean.names()]
    return {"id": identifier, "text": clean.text, "entities": entities}


def _write(folder: Path, trained: list[Example], tested: list[Example], sizes: Sizes, seed: int) -> Split:
    rng = random.Random(f"demo-{seed}")
    drawn = rng.sample(trained, min(len(trained), sizes.train + sizes.dev))
    # The test examples are the same for every seed, so that seeds can be compared.
    parts = {
        "train": drawn[: sizes.train],
        "dev": drawn[sizes.train :],
        "test": random.Random("demo-test").sample(tested, min(len(tested), sizes.test)),
    }
    for name, examples in parts.items():
        with atomic_file(folder / f"{name}.jsonl") as stream:
            stream.writelines(json.dumps(example, ensure_ascii=False) + "\n" for example in examples)
    paths = {name: folder / f"{name}.jsonl" for name in parts}
    return Split(**paths, rows=(len(parts["train"]), len(parts["dev"]), len(parts["test"])))
