"""Texts read with an exported model: our tokenizer, onnxruntime and NumPy, and no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import Problem, UserError
from corpus.manifest import verify_manifest
from macbert.annotations import Example
from macbert.exporting.decoders import (
    Classes,
    Corrections,
    CrfNames,
    Decoder,
    PointerNames,
    Reading,
    TokenNames,
)
from macbert.exporting.facts import TaskFacts, read_facts
from macbert.exporting.link_decoders import Events, Relations
from macbert.exporting.session import GRAPH_NAME, Session
from macbert.finetuning.windows import Tokens, Window, pair_windows, text_windows, tokenize, windows_by_example
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from macbert.extraction.extractor import Extractor

KIND = "exported"
ARRAYS_NAME = "decoding.safetensors"

_DECODERS: dict[tuple[str, str], type[Decoder]] = {
    ("classify", "auto"): Classes,
    ("ner", "auto"): TokenNames,
    ("ner", "bio"): TokenNames,
    ("ner", "crf"): CrfNames,
    ("ner", "pointer"): PointerNames,
    ("relation", "auto"): Relations,
    ("event", "auto"): Events,
    ("mrc", "auto"): Reading,
    ("correct", "auto"): Corrections,
}

Progress = Callable[[str, int, int | None], None]

BATCH_TOKENS = 4096
"""Padded tokens of a batch where none is asked for."""


class ExportedTask:
    """What an :class:`Extractor` asks of a task, answered with a graph."""

    def __init__(self, facts: TaskFacts, tokenizer: ChineseTokenizer, decoder: Decoder) -> None:
        self.facts = facts
        self.tokenizer = tokenizer
        self.decoder = decoder
        self.name = facts.task
        self.labels = facts.labels
        self.options = facts.options
        self.schema_names = facts.schema_names

    def predict(
        self,
        model: Session,
        examples: Sequence[Example],
        max_batch_tokens: int | None,
        progress: Progress | None = None,
    ) -> list[Example]:
        """Return each text with what the graph says of it, and none of its given annotations."""
        tokens, windows = self.rows(examples)
        found: list[Any] = [None] * len(windows)
        done = 0
        for numbers in length_batches(windows, BATCH_TOKENS if max_batch_tokens is None else max_batch_tokens):
            batch = [windows[number] for number in numbers]
            outputs = model.run(padded_inputs(batch, self.tokenizer.pad_id))
            for number, own in zip(numbers, self.decoder.read(outputs, batch), strict=True):
                found[number] = own
            done += len(batch)
            if progress is not None:
                progress(self.name, done, len(windows))
        predicted = []
        for example, item, group in zip(examples, tokens, windows_by_example(windows, len(examples)), strict=True):
            answers = self.decoder.answer(example, item, [windows[n] for n in group], [found[n] for n in group])
            given = {name: getattr(example, name) for name in ("id", "text_pair", "question", "extra", "where")}
            predicted.append(Example(example.text, **given, **answers))
        return predicted

    def rows(self, examples: Sequence[Example]) -> tuple[list[Tokens], list[Window]]:
        """Return the tokens of each text, and the rows that the graph reads."""
        facts, tokens = self.facts, tokenize(self.tokenizer, [example.text for example in examples])
        if self.name == "classify" and facts.options["pair"]:
            second = tokenize(self.tokenizer, [example.text_pair or "" for example in examples])
            return tokens, pair_windows(self.tokenizer, tokens, second, facts.max_length)
        questions = None
        if self.name == "mrc":
            if missing := [example.where or "text" for example in examples if not example.question]:
                raise UserError(*(Problem(where, "a 'question'", "none", "add it") for where in missing[:200]))
            questions = tokenize(self.tokenizer, [example.question or "" for example in examples])
        return tokens, text_windows(self.tokenizer, tokens, facts.max_length, facts.stride, questions)


class ExportedModel:
    """A graph and its task; shaped as a fine-tuned model is."""

    def __init__(self, task: ExportedTask, model: Session) -> None:
        self.task = task
        self.model = model


def load_exported(folder: str | Path, *, task: str | None = None) -> Extractor:
    """Load what ``macbert export`` made of a fine-tuned model; torch is never imported.

    Args:
        folder: the exported folder.
        task: what it must be for; default: whatever it is for.

    Raises:
        MissingExtra: onnxruntime is not installed.
        UserError: not such a folder, files that changed, or a model for another task.

    A runnable line, where ``data/onnx`` is an export: ``load_exported("data/onnx").extract(["李雷在北京工作。"])``
    """
    from macbert.extraction.extractor import Extractor

    folder = Path(folder)
    if problems := verify_manifest(folder, KIND):
        raise UserError(*problems)
    facts = read_facts(folder)
    if task is not None and facts.task != task:
        fix = f"give a model that was fine-tuned for {task}, or ask for {facts.task}"
        raise UserError.at(folder, expected=f"a model for {task}", found=f"one for {facts.task}", fix=fix)
    arrays: dict[str, NDArray[np.float32]] = {}
    if (folder / ARRAYS_NAME).is_file():
        from safetensors.numpy import load_file

        arrays = load_file(folder / ARRAYS_NAME)
    tokenizer = ChineseTokenizer.from_pretrained(str(folder), segmenter="char")
    decoder = _DECODERS[facts.task, facts.options.get("head", "auto")](facts, tokenizer, arrays)
    return Extractor(ExportedModel(ExportedTask(facts, tokenizer, decoder), Session(folder / GRAPH_NAME)))


def is_exported(folder: str | Path) -> bool:
    """Return whether a folder holds a graph of ours."""
    return Path(folder, GRAPH_NAME).is_file()


def padded_inputs(windows: Sequence[Window], pad_id: int) -> dict[str, NDArray[np.int64]]:
    """Return ``input_ids``, ``token_type_ids`` and ``attention_mask``: (B, L) int64."""
    shape = (len(windows), max(map(len, windows)))
    ids, types, mask = np.full(shape, pad_id, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window.input_ids
        types[row, : len(window)] = window.token_type_ids
        mask[row, : len(window)] = 1
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}


def length_batches(windows: Sequence[Window], max_batch_tokens: int) -> list[list[int]]:
    """Return the numbers of the rows, shortest first, in batches of at most so many padded tokens; a longer row alone.

    >>> row = np.zeros(4, np.int64)
    >>> length_batches([Window(0, 0, 2, row, row, 1)] * 3, 8)
    [[0, 1], [2]]
    """
    batches: list[list[int]] = []
    for number in sorted(range(len(windows)), key=lambda number: len(windows[number])):
        if not batches or (len(batches[-1]) + 1) * len(windows[number]) > max_batch_tokens:
            batches.append([])
        batches[-1].append(number)
    return batches
