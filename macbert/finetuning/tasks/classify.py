"""Classes of texts and of pairs: one each, or any number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from corpus.errors import Problem, UserError
from macbert.annotations import Example
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder import load_config, load_pretrained
from macbert.finetuning.forward import Progress, run_windows
from macbert.finetuning.tasks.base import Feature, Task, check_labels, unlabelled
from macbert.finetuning.windows import Window, pair_windows, text_windows, tokenize, windows_by_example
from macbert.metrics import Scores, score_classes, score_label_sets
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self

MULTI_LABEL_THRESHOLD = 0.5


class Classify(Task):
    """transformers' sequence classification.

    A text longer than a window is learnt window by window under its label, and predicted by the mean probability of its
    windows. A pair that is longer loses the end of its longer text, as in the BERT papers.
    """

    name = "classify"
    requires = "label"

    @classmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        problems, kinds = [], {}
        for name, path, examples in (("train", config.train, train), ("dev", config.dev, dev)):
            for part, find in (("a second text", lambda e: e.text_pair), ("a list of labels", lambda e: e.labels)):
                having = [find(example) is not None for example in examples]
                kinds[name, part] = any(having)
                if any(having) and not all(having):
                    where = examples[having.index(not having[0])].where or path
                    expected = f"{part} in every line or in none"
                    problems.append(Problem(where, expected, "some with, some without", "mend the file"))
        for part in ("a second text", "a list of labels"):
            if not problems and kinds["train", part] != kinds["dev", part]:
                found = f"{part} in only one of them"
                problems.append(Problem(config.dev, f"lines like those of {config.train}", found, "mend the file"))
        if problems:
            raise UserError(*problems)
        multi = kinds["train", "a list of labels"]
        labels = check_labels(_pairs(train), _pairs(dev), what="label", least=1 if multi else 2, config=config)
        options: dict[str, Any] = {"multi_label": multi, "pair": kinds["train", "a second text"]}
        if config.class_weights == "balanced":
            if multi:
                fix = "leave out --class-weights"
                raise UserError.at("--class-weights", expected="none with lists of labels", found="balanced", fix=fix)
            counts = Counter(example.label for example in train)
            options["class_weights"] = [len(train) / (len(labels) * counts[label]) for label in labels]
        return cls(tokenizer, labels, max_length=config.max_length, stride=config.stride, options=options)

    @property
    def multi_label(self) -> bool:
        """Whether a text may have any number of labels."""
        return bool(self.options["multi_label"])

    def check_gold(self, gold: Sequence[Example], path: str) -> None:
        problems = []
        for example in gold:
            if (example.labels is not None) != self.multi_label:
                expected = "a list of labels" if self.multi_label else "one label"
                problems.append(Problem(example.where or path, expected, "the other", "mend the line"))
            if (example.text_pair is not None) != self.options["pair"]:
                expected = "a second text" if self.options["pair"] else "one text"
                problems.append(Problem(example.where or path, expected, "the other", "mend the line"))
        if problems:
            raise UserError(*problems)

    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        from transformers import AutoModelForSequenceClassification

        config = load_config(folder)
        config.id2label = dict(enumerate(self.labels))
        config.label2id = {label: number for number, label in enumerate(self.labels)}
        config.problem_type = "multi_label_classification" if self.multi_label else "single_label_classification"
        return load_pretrained(AutoModelForSequenceClassification, folder, config, init=init, seed=seed)

    def load_model(self, folder: str) -> nn.Module:
        from transformers import AutoModelForSequenceClassification

        return self._load_whole(AutoModelForSequenceClassification, folder)

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        numbers = {label: number for number, label in enumerate(self.labels)}
        features = []
        for window in self._windows(examples):
            example = examples[window.example]
            target: Any
            if self.multi_label:
                target = np.zeros(len(self.labels), np.float32)
                target[[numbers[label] for label in example.labels or ()]] = 1
            else:
                assert example.label is not None
                target = numbers[example.label]
            features.append({"input_ids": window.input_ids, "token_type_ids": window.token_type_ids, "labels": target})
        return features

    def collate(self, features: Sequence[Feature]) -> dict[str, torch.Tensor]:
        targets = np.stack([np.asarray(feature["labels"]) for feature in features])
        return {**self.inputs(features), "labels": torch.from_numpy(targets)}

    def loss(self) -> Callable[..., torch.Tensor] | None:
        weights = self.options.get("class_weights")
        if weights is None:
            return None

        def weighted(outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
            weight = torch.tensor(weights, device=outputs.logits.device, dtype=torch.float32)
            return nn.functional.cross_entropy(outputs.logits.float(), labels, weight=weight)

        return weighted

    def predict(
        self,
        model: nn.Module,
        examples: Sequence[Example],
        max_batch_tokens: int | None,
        progress: Progress | None = None,
    ) -> list[Example]:
        windows = self._windows(examples)

        def decode(output: Any, batch: list[Window], inputs: Any) -> list[np.ndarray]:
            logits = output.logits.float()
            return list((logits.sigmoid() if self.multi_label else logits.softmax(-1)).cpu().numpy())

        found = run_windows(
            model,
            windows,
            decode,
            pad_id=self.tokenizer.pad_id,
            max_batch_tokens=max_batch_tokens,
            progress=progress,
            label="classify",
        )
        predicted = []
        for example, numbers in zip(examples, windows_by_example(windows, len(examples)), strict=True):
            probabilities = np.mean([found[number] for number in numbers], axis=0)
            best = int(probabilities.argmax())
            if self.multi_label:
                chosen = np.flatnonzero(probabilities >= MULTI_LABEL_THRESHOLD)
                score = float(probabilities[chosen].min()) if len(chosen) else float(1 - probabilities[best])
                predicted.append(unlabelled(example, labels=tuple(self.labels[n] for n in chosen), score=score))
            else:
                label = self.labels[best]
                predicted.append(unlabelled(example, label=label, score=float(probabilities[best])))
        return predicted

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        if self.multi_label:
            return score_label_sets([e.labels or () for e in gold], [e.labels or () for e in predicted])
        return score_classes([e.label or "" for e in gold], [e.label or "" for e in predicted])

    def _windows(self, examples: Sequence[Example]) -> list[Window]:
        first = tokenize(self.tokenizer, [example.text for example in examples])
        if self.options["pair"]:
            second = tokenize(self.tokenizer, [example.text_pair or "" for example in examples])
            windows = pair_windows(self.tokenizer, first, second, self.max_length)
            longer = sum(len(a) + len(b) > self.max_length - 3 for a, b in zip(first, second, strict=True))
            self.notes["pairs_cut_to_the_window"] = longer
            return windows
        return text_windows(self.tokenizer, first, self.max_length, self.stride)


def _pairs(examples: Sequence[Example]) -> list[tuple[str, str]]:
    return [
        (label, example.where)
        for example in examples
        for label in (example.labels if example.labels is not None else (example.label or "",))
    ]
