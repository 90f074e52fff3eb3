"""What every task gives: labels, rows to learn from, a model, predictions, scores, and its part of the saved folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from corpus.errors import Problem, UserError
from macbert.annotations import Example
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder import load_config, load_pretrained
from macbert.finetuning.forward import Progress, pad_rows
from macbert.metrics import Scores
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self

Feature = dict[str, Any]
"""One row to learn from: 1-D arrays ``input_ids`` and ``token_type_ids`` with special tokens, and the task's labels."""

IGNORED = -100
"""Label of a token without a loss, as in transformers."""


class Task(ABC):
    """A task with its labels, bound to a tokenizer and a window size.

    Args:
        tokenizer: the encoder's.
        labels: what can be predicted, in the order of the head's outputs.
        max_length: tokens of a window, special ones included.
        stride: tokens that two windows of a long text share.
        options: what else the task must remember to predict; plain JSON.
    """

    name: ClassVar[str]
    """As on the command line."""

    requires: ClassVar[str]
    """The field of :class:`Example` that training and scoring need."""

    def __init__(
        self,
        tokenizer: ChineseTokenizer,
        labels: Sequence[str],
        *,
        max_length: int,
        stride: int,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.labels = list(labels)
        self.max_length = max_length
        self.stride = stride
        self.options = dict(options or {})
        self.notes: dict[str, int] = {}

    @classmethod
    @abstractmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        """Return the task with the labels of the training texts.

        Raises:
            UserError: labels that cannot be learnt or scored.
        """

    @abstractmethod
    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        """Return a model with a new head on the folder's encoder."""

    @abstractmethod
    def features(self, examples: Sequence[Example]) -> list[Feature]:
        """Return the rows to learn from; what cannot be learnt is counted in ``notes``."""

    @abstractmethod
    def predict(
        self,
        model: nn.Module,
        examples: Sequence[Example],
        max_batch_tokens: int | None,
        progress: Progress | None = None,
    ) -> list[Example]:
        """Return each text with predicted annotations and scores, and none of its given ones."""

    @abstractmethod
    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        """Return the metrics of predictions against the whole gold."""

    def check_gold(self, gold: Sequence[Example], path: str) -> None:  # noqa: B027
        """Raise a UserError where labelled texts have another form than those learnt from."""

    @property
    def schema_names(self) -> tuple[list[str], list[str]]:
        """What a schema may ask for by itself, and below another: for UIE-style schemas."""
        return self.labels, []

    def calibrate(self, model: nn.Module, dev: Sequence[Example], max_batch_tokens: int | None) -> bool:
        """Choose on dev what decoding leaves open (a threshold); return whether anything may have changed."""
        return False

    def collate(self, features: Sequence[Feature]) -> dict[str, Any]:
        """Return a batch: (B, L) int64 inputs, and ``labels`` as the model wants them."""
        return {**self.inputs(features), "labels": pad_rows([f["labels"] for f in features], IGNORED)}

    def inputs(self, features: Sequence[Feature]) -> dict[str, torch.Tensor]:
        """Return ``input_ids``, ``token_type_ids`` and ``attention_mask``: (B, L) int64."""
        ids = [feature["input_ids"] for feature in features]
        return {
            "input_ids": pad_rows(ids, self.tokenizer.pad_id),
            "token_type_ids": pad_rows([feature["token_type_ids"] for feature in features], 0),
            "attention_mask": pad_rows([row * 0 + 1 for row in ids], 0),
        }

    def loss(self) -> Callable[..., torch.Tensor] | None:
        """Return a loss for Trainer in place of the model's own, or None."""
        return None

    def save_model(self, model: nn.Module, folder: Path) -> None:
        """Write the weights so that plain transformers loads what it has a class for."""
        model.save_pretrained(folder)  # type: ignore[operator]

    @abstractmethod
    def load_model(self, folder: str) -> nn.Module:
        """Return the model that :meth:`save_model` wrote."""

    def _load_whole(self, auto_class: Any, folder: str) -> Any:
        model = load_pretrained(auto_class, folder, load_config(folder), init="pretrained", seed=0)
        return model.eval()


def unlabelled(example: Example, **predicted: Any) -> Example:
    """Return the text without its given annotations, with predicted ones."""
    return Example(
        example.text,
        id=example.id,
        text_pair=example.text_pair,
        question=example.question,
        extra=example.extra,
        where=example.where,
        **predicted,
    )


def check_labels(
    train: Iterable[tuple[str, str]], dev: Iterable[tuple[str, str]], *, what: str, least: int, config: FinetuneConfig
) -> list[str]:
    """Return the training labels in order, given (label, ``file:line``) pairs.

    Raises:
        UserError: fewer than ``least`` labels, or labels in dev that the training texts lack, each with its first line
            (unless ``unseen_dev_labels`` is "miss").
    """
    labels = sorted({label for label, _ in train})
    problems = []
    article = "an" if what[0] in "aeiou" else "a"
    if len(labels) < least:
        found = f"only '{labels[0]}'" if labels else "none"
        number = f"at least two {what}s" if least == 2 else f"at least one {what}"
        problems.append(Problem(config.train, number, found, "give training texts that have some"))
    first: dict[str, str] = {}
    for label, where in dev:
        first.setdefault(label, where)
    if labels and config.unseen_dev_labels == "refuse":
        for label in sorted(set(first) - set(labels)):
            fix = "add training texts with it, take it out of dev, or pass --unseen-dev-labels miss"
            problems.append(Problem(first[label], f"{article} {what} that the training texts have", f"'{label}'", fix))
    if problems:
        raise UserError(*problems)
    return labels
