"""A fine-tuned model that reads texts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from macbert.annotations import Example
from macbert.extraction.results import Extraction, as_extraction
from macbert.extraction.wanted import Schema, keep_wanted, read_schema

if TYPE_CHECKING:
    from macbert.exporting.reader import ExportedModel
    from macbert.finetuning.folder import FinetunedModel
    from macbert.finetuning.forward import Progress


class Extractor:
    """Reads texts with one fine-tuned model; made by :func:`load_extractor`."""

    def __init__(self, finetuned: FinetunedModel | ExportedModel) -> None:
        self._finetuned = finetuned

    @property
    def task(self) -> str:
        """What the model was fine-tuned for."""
        return self._finetuned.task.name

    @property
    def labels(self) -> list[str]:
        """What it can find."""
        return list(self._finetuned.task.labels)

    @property
    def schema_names(self) -> tuple[list[str], list[str]]:
        """What a schema may ask for by itself, and below another."""
        return self._finetuned.task.schema_names

    @property
    def argument_types(self) -> dict[str, tuple[str, str]]:
        """Of a model for relations: the types of subject and object of each predicate."""
        given = self._finetuned.task.options.get("argument_types", {})
        return {predicate: (subject, object_) for predicate, (subject, object_) in given.items()}

    @property
    def roles(self) -> dict[str, list[str]]:
        """Of a model for events: the roles of each type."""
        cells = self._finetuned.task.options.get("cells", [])
        return {kind: [role for own, role in cells if own == kind and role] for kind in self.labels}

    @property
    def reads_pairs(self) -> bool:
        """Whether it reads pairs: (question, text), or two texts to classify."""
        return self.task == "mrc" or bool(self._finetuned.task.options.get("pair"))

    def extract(
        self,
        texts: Iterable[str | tuple[str, str]],
        *,
        schema: Schema | None = None,
        max_batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> list[Extraction]:
        """Return what is found in each text, in order; every span is a slice of the text as given.

        Texts of any length and any characters are read: long ones by windows, and characters that the tokenizer drops
        stay where they are. Similar lengths go through the model together.

        Args:
            texts: texts; pairs (text_a, text_b) for pair classification, (question, text) for reading.
            schema: what to keep, as UIE asks for it: ``["人物", {"地震触发词": ["时间"]}]``; default: everything.
            max_batch_tokens: tokens that go through the model at once; default: what the processor's cache holds.
            progress: told the rows done.
        """
        if isinstance(texts, str):
            raise TypeError("extract() takes a list of texts, not one string")
        examples = [self.example(text) for text in texts]
        found = self.predict(examples, schema=schema, max_batch_tokens=max_batch_tokens, progress=progress)
        return [as_extraction(example) for example in found]

    def predict(
        self,
        examples: list[Example],
        *,
        schema: Schema | None = None,
        max_batch_tokens: int | None = None,
        progress: Progress | None = None,
    ) -> list[Example]:
        """Return the same as annotations; given annotations of ``examples`` are left out."""
        task = self._finetuned.task
        names, inner = self.schema_names
        wanted = None if schema is None else read_schema(schema, names, inner=inner)
        # The two halves of a pair fit each other; what they are does not matter here.
        model: Any = self._finetuned.model
        found = task.predict(model, examples, max_batch_tokens, progress)
        return found if wanted is None else [keep_wanted(example, wanted) for example in found]

    def example(self, text: str | tuple[str, str]) -> Example:
        """Return a text, or a pair, as the task reads it."""
        if isinstance(text, str):
            return Example(text)
        first, second = text
        return Example(second, question=first) if self.task == "mrc" else Example(first, text_pair=second)


def load_extractor(folder: str | Path, *, task: str | None = None, device: str | None = None) -> Extractor:
    """Load a fine-tuned model for reading texts.

    Args:
        folder: what ``macbert finetune`` or ``macbert export`` wrote; with task "correct" also a pretraining run.
        task: what the model must be for; default: whatever it is for.
        device: torch's name of one; default: a GPU if there is one. An exported model runs on the processor.

    Raises:
        UserError: no such folder, or not a fine-tuned model.
    """
    from macbert.exporting.reader import is_exported, load_exported

    if is_exported(folder):
        return load_exported(folder, task=task)
    from macbert.finetuning.folder import load_finetuned

    return Extractor(load_finetuned(str(folder), expected_task=task, device=device))
