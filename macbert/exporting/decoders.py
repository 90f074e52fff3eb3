"""From a graph's outputs to annotations, with NumPy alone: the same answers as the tasks of ``macbert.finetuning``.

One class a kind of head. ``read`` turns the outputs of a batch into one small value a window, tokens numbered in the
whole text; ``answer`` puts the windows of a text together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from macbert.annotations import Answer, Entity, Example
from macbert.exporting.facts import TaskFacts
from macbert.finetuning.bio import decode_bio
from macbert.finetuning.confusion import han_tokens, is_han
from macbert.finetuning.heads.viterbi import best_path
from macbert.finetuning.windows import Tokens, Window, join_windows, judge
from tokenizer import ChineseTokenizer

MAX_ANSWER_TOKENS = 64
MULTI_LABEL_THRESHOLD = 0.5

Outputs = Mapping[str, NDArray[np.float32]]
Answers = dict[str, Any]
"""Fields of :class:`Example` that a task fills."""


class Decoder(ABC):
    """How the outputs of one task are read.

    Args:
        facts: what fine-tuning remembered of the task.
        tokenizer: the model's.
        arrays: what the head has outside the graph (a CRF's transitions).
    """

    def __init__(
        self, facts: TaskFacts, tokenizer: ChineseTokenizer, arrays: Mapping[str, NDArray[np.float32]]
    ) -> None:
        self.facts = facts
        self.tokenizer = tokenizer
        self.arrays = arrays

    @abstractmethod
    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        """Return what each window of a batch says."""

    @abstractmethod
    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        """Return what the windows of a text say together."""


class Classes(Decoder):
    """One class, or any number: the mean probability over the windows decides."""

    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        logits = outputs["logits"]
        return list(sigmoid(logits) if self.facts.options["multi_label"] else softmax(logits))

    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        mean = np.mean(found, axis=0)
        best = int(mean.argmax())
        if not self.facts.options["multi_label"]:
            return {"label": self.facts.labels[best], "score": float(mean[best])}
        chosen = np.flatnonzero(mean >= MULTI_LABEL_THRESHOLD)
        score = float(mean[chosen].min()) if len(chosen) else float(1 - mean[best])
        return {"labels": tuple(self.facts.labels[number] for number in chosen), "score": score}


class TokenNames(Decoder):
    """Names by token labels, each the likeliest."""

    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        return [(own,) for own in text_rows(outputs["logits"], batch)]

    def labels(self, logits_TY: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the label of each token of a whole text."""
        return logits_TY.argmax(-1)

    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        (logits,) = join_windows(windows, found)
        labels = self.labels(logits)
        scores = softmax(logits)[np.arange(len(labels)), labels]
        return {
            "entities": tuple(
                Entity(*tokens.characters(first, last), self.facts.labels[kind], float(scores[first : last + 1].mean()))
                for first, last, kind in decode_bio(labels)
            )
        }


class CrfNames(TokenNames):
    """Names by the best legal sequence of token labels."""

    def labels(self, logits_TY: NDArray[np.float32]) -> NDArray[np.int64]:
        return best_path(logits_TY, self.arrays["steps"], self.arrays["start"], self.arrays["end"])


class PointerNames(Decoder):
    """Names by spans with a score above 0, each judged by the window in which it lies farthest from an edge."""

    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        scores = outputs["logits"]
        spans: list[list[tuple[int, int, int, float]]] = [[] for _ in batch]
        for row, label, first, last in np.argwhere(scores > 0).tolist():
            shift = batch[row].start - batch[row].prefix
            confidence = float(sigmoid(scores[row, label, first, last]))
            spans[row].append((first + shift, last + shift, label, confidence))
        return spans

    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        spans = judged(windows, found, lambda span: (span[0], span[1]))
        names = (Entity(*tokens.characters(a, b), self.facts.labels[kind], score) for a, b, kind, score in spans)
        return {"entities": tuple(sorted(names, key=lambda name: name.key))}


class Reading(Decoder):
    """The best answer of at most 64 tokens; the score at [CLS] stands for "no answer here"."""

    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        answers = []
        for row, window in enumerate(batch):
            starts, ends = outputs["start_logits"][row], outputs["end_logits"][row]
            none = float(starts[0] + ends[0])
            text = slice(window.prefix, len(window) - 1)
            table = starts[text, None] + ends[None, text]
            if not table.size:
                answers.append((0, 0, -np.inf, none))
                continue
            width = np.arange(len(table))[None] - np.arange(len(table))[:, None]
            table = np.where((width >= 0) & (width < MAX_ANSWER_TOKENS), table, -np.inf)
            first, last = np.unravel_index(table.argmax(), table.shape)
            answers.append((int(first) + window.start, int(last) + window.start, float(table[first, last]), none))
        return answers

    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        first, last, score, _ = max(found, key=lambda answer: answer[2])
        none = min(answer[3] for answer in found)
        if not np.isfinite(score) or not (self.facts.options["always_answers"] or score > none):
            return {"answers": ()}
        confidence = float(1 / (1 + np.exp(np.clip(none - score, -50, 50))))
        return {"answers": (Answer(*tokens.characters(first, last), confidence),)}


class Corrections(Decoder):
    """A Han character becomes the likeliest other one where that is as probable as the threshold."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._han = han_tokens(self.tokenizer)
        places = {self.tokenizer.vocab[token]: number for number, token in enumerate(self._han.tolist())}
        table = self.facts.options.get("confusion")
        self._allowed: dict[str, list[int]] | None = None
        if table is not None:
            self._allowed = {c: [places[o] for o in (*table.get(c, ""), c) if o in places] for c in places}

    def read(self, outputs: Outputs, batch: Sequence[Window]) -> Sequence[Any]:
        results = []
        for window, logits in zip(batch, text_rows(outputs["logits"], batch), strict=True):
            han = logits[:, self._han]
            if self._allowed is not None:
                for place, token in enumerate(window.input_ids[window.prefix : -1].tolist()):
                    if (own := self._allowed.get(self.tokenizer.vocab[token])) is not None:
                        kept = np.full(han.shape[1], -np.inf, han.dtype)
                        kept[own] = han[place, own]
                        han[place] = kept
            best = han.argmax(-1)
            likely = softmax(logits)[np.arange(len(best)), self._han[best]]
            results.append((self._han[best], likely))
        return results

    def answer(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Answers:
        ids, scores = join_windows(windows, found)
        known = set(self._han.tolist())
        characters, least = list(example.text), None
        for (start, end), old, new, score in zip(tokens.offsets, tokens.input_ids, ids, scores, strict=True):
            replaced = end - start == 1 and old != new and is_han(example.text[int(start)])
            replaced &= int(old) in known or self._allowed is None
            if replaced and score >= self.facts.options["threshold"]:
                characters[int(start)] = self.tokenizer.vocab[int(new)]
                least = float(score) if least is None else min(least, float(score))
        return {"target": "".join(characters), "score": least}


def judged(
    windows: Sequence[Window], found: Sequence[Sequence[Any]], reach: Callable[[Any], tuple[int, int]]
) -> list[Any]:
    """Return what the windows of a text say, each item from the window in which it lies farthest from an edge.

    Args:
        windows: of one text.
        found: what each of them says.
        reach: the first and the last token of an item.
    """
    return [item for number, own in enumerate(found) for item in own if judge(*reach(item), windows) == number]


def text_rows(values: NDArray[np.float32], batch: Sequence[Window]) -> list[NDArray[np.float32]]:
    """Return (T, ...) of each window: its own tokens without special ones and padding, copied."""
    return [values[row, window.prefix : len(window) - 1].copy() for row, window in enumerate(batch)]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities over the last axis."""
    likely = np.exp(logits - logits.max(-1, keepdims=True))
    return likely / likely.sum(-1, keepdims=True)


def sigmoid(logits: Any) -> Any:
    """Return 1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(logits))
    return np.where(np.asarray(logits) >= 0, 1.0, small) / (1 + small)
