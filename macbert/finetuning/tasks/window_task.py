"""What the extraction tasks share: a text is read in windows, and its answer is put together from what they say."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import nn

from macbert.annotations import Example
from macbert.finetuning.forward import Progress, run_windows
from macbert.finetuning.tasks.base import Task
from macbert.finetuning.windows import Tokens, Window, text_windows, tokenize, windows_by_example


class WindowTask(Task):
    """A task that says what each window holds, and what a text's windows say together."""

    @abstractmethod
    def found(self, output: Any, batch: Sequence[Window], inputs: Any) -> list[Any]:
        """Return what each window of a batch says."""

    @abstractmethod
    def assembled(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Example:
        """Return a text with what its windows say."""

    def predict(
        self,
        model: nn.Module,
        examples: Sequence[Example],
        max_batch_tokens: int | None,
        progress: Progress | None = None,
    ) -> list[Example]:
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        windows = text_windows(self.tokenizer, tokens, self.max_length, self.stride)
        found = run_windows(
            model,
            windows,
            self.found,
            pad_id=self.tokenizer.pad_id,
            max_batch_tokens=max_batch_tokens,
            progress=progress,
            label="extract",
        )
        return [
            self.assembled(example, item, [windows[n] for n in group], [found[n] for n in group])
            for example, item, group in zip(examples, tokens, windows_by_example(windows, len(examples)), strict=True)
        ]
