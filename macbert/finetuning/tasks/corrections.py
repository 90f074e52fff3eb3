"""Spelling correction on the masked-language-model head: to restore replaced words is what MacBERT learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from corpus.errors import UserError
from macbert.annotations import Example
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.confusion import han_tokens, is_han, read_confusion
from macbert.finetuning.encoder import load_config, load_pretrained, seeded
from macbert.finetuning.encoder_with_head import HEADS_NAME, HeadOutput, load_head
from macbert.finetuning.forward import Progress, run_windows
from macbert.finetuning.tasks.base import IGNORED, Feature, Task, unlabelled
from macbert.finetuning.windows import Tokens, Window, join_windows, text_windows, tokenize, windows_by_example
from macbert.metrics import Scores, score_corrections
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self

ZERO_SHOT_THRESHOLD = 0.9
"""Probability of a replacement where no dev set chose one: a wrong correction costs more than a missed one."""

THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


class Corrector(nn.Module):
    """A masked-language model with a second head that says where the mistakes are."""

    def __init__(self, classifier_model: Any, detection_weight: float) -> None:
        super().__init__()
        self.classifier_model = classifier_model
        self.detection = nn.Linear(classifier_model.config.hidden_size, 1)
        self.detection_weight = detection_weight

    @property
    def base_model(self) -> Any:
        """The encoder, for its own learning rate."""
        return self.classifier_model.base_model

    def forward(
        self, labels: torch.Tensor | None = None, wrong: torch.Tensor | None = None, **inputs: torch.Tensor
    ) -> HeadOutput:
        """Return the loss of both heads, and (vocabulary logits (B, L, V), mistake logits (B, L))."""
        output = self.classifier_model(**inputs, output_hidden_states=True)
        mistakes = self.detection(output.hidden_states[-1])[..., 0]
        loss = None
        if labels is not None and wrong is not None:
            judged = labels != IGNORED
            loss = nn.functional.cross_entropy(output.logits[judged].float(), labels[judged])
            found = nn.functional.binary_cross_entropy_with_logits(mistakes[judged].float(), wrong[judged].float())
            loss = (1 - self.detection_weight) * loss + self.detection_weight * found
        return HeadOutput(loss, (output.logits, mistakes))


class Corrections(Task):
    """A Han character is replaced by the likeliest Han character of the vocabulary (or of its confusion set) where that
    is another one and at least as probable as the threshold, which is chosen on dev. Nothing else is ever changed, so
    source and correction have equal lengths and every character that the tokenizer drops stays.
    """

    name = "correct"
    requires = "target"

    @classmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        if all(example.text == example.target for example in train):
            fix = "give training texts with mistakes"
            raise UserError.at(config.train, expected="at least one mistake", found="none", fix=fix)
        options: dict[str, Any] = {
            "threshold": 0.0,
            "detection_weight": config.detection_weight,
            "mask_probability": config.mask_probability,
        }
        if config.detection_weight > 1:
            found = str(config.detection_weight)
            raise UserError.at("--detection-weight", expected="a share from 0 to 1", found=found, fix="lower it")
        if config.confusion is not None:
            options["confusion"] = read_confusion(config.confusion)
        return cls(tokenizer, [], max_length=config.max_length, stride=config.stride, options=options)

    @classmethod
    def untrained(cls, tokenizer: ChineseTokenizer, max_length: int, threshold: float | None = None) -> Self:
        """Return the task for a pretrained encoder as it is."""
        options = {"threshold": ZERO_SHOT_THRESHOLD if threshold is None else threshold, "detection_weight": 0.0}
        return cls(tokenizer, [], max_length=max_length, stride=max_length // 4, options=options)

    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        from transformers import AutoModelForMaskedLM

        model = load_pretrained(AutoModelForMaskedLM, folder, load_config(folder), init=init, seed=seed)
        with seeded(seed):
            return self._with_detection(model)

    def save_model(self, model: nn.Module, folder: Path) -> None:
        if not isinstance(model, Corrector):
            super().save_model(model, folder)
            return
        from safetensors.torch import save_file

        model.classifier_model.save_pretrained(folder)
        state = model.detection.state_dict()
        save_file({f"detection.{name}": value for name, value in state.items()}, folder / HEADS_NAME)

    def load_model(self, folder: str) -> nn.Module:
        from transformers import AutoModelForMaskedLM

        model = self._with_detection(self._load_whole(AutoModelForMaskedLM, folder))
        if isinstance(model, Corrector):
            load_head(model, folder)
        return model.eval()

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        sources = tokenize(self.tokenizer, [example.text for example in examples])
        targets = tokenize(self.tokenizer, [example.target or example.text for example in examples])
        labels, mistakes, unlearnt = [], 0, 0
        for source, target, example in zip(sources, targets, examples, strict=True):
            own = aligned_targets(source, target)
            labels.append(own)
            wrong = [a != b for a, b in zip(example.text, example.target or example.text, strict=True)]
            mistakes += sum(wrong)
            learnt = (own != IGNORED) & (own != source.input_ids)
            unlearnt += sum(wrong) - int(learnt.sum())
        self.notes = {"mistakes_that_tokens_cannot_say": max(0, unlearnt)}
        features = []
        for window in text_windows(self.tokenizer, sources, self.max_length, self.stride):
            row = np.full(len(window), IGNORED, np.int64)
            row[window.prefix : -1] = labels[window.example][window.start : window.stop]
            features.append({"input_ids": window.input_ids, "token_type_ids": window.token_type_ids, "labels": row})
        return features

    def collate(self, features: Sequence[Feature]) -> dict[str, torch.Tensor]:
        batch = super().collate(features)
        judged = batch["labels"] != IGNORED
        wrong = judged & (batch["labels"] != batch["input_ids"])
        if share := self.options.get("mask_probability"):
            # Masked fine-tuning (Wu et al. 2023): hide right characters, so that the model reads instead of memorising.
            hidden = (torch.rand(judged.shape) < share) & judged & ~wrong
            batch["input_ids"] = batch["input_ids"].masked_fill(hidden, self.tokenizer.mask_id)
        if self.options["detection_weight"]:
            batch["wrong"] = wrong
        return batch

    def predict(
        self,
        model: nn.Module,
        examples: Sequence[Example],
        max_batch_tokens: int | None,
        progress: Progress | None = None,
    ) -> list[Example]:
        proposed = self.propose(model, examples, max_batch_tokens, progress)
        return [self._corrected(e, own, self.options["threshold"]) for e, own in zip(examples, proposed, strict=True)]

    def propose(
        self,
        model: nn.Module,
        examples: Sequence[Example],
        max_batch_tokens: int | None,
        progress: Progress | None = None,
    ) -> list[list[tuple[int, str, float]]]:
        """Return for each text the (position, other character, probability) that the model likes best there."""
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        windows = text_windows(self.tokenizer, tokens, self.max_length, self.stride)
        han = han_tokens(self.tokenizer)
        confusion = self._confusion_ids(han)

        def decode(output: Any, batch: Sequence[Window], inputs: Any) -> list[tuple[np.ndarray, ...]]:
            logits = output.scores[0] if isinstance(output, HeadOutput) else output.logits
            results: list[tuple[np.ndarray, ...]] = []
            for row, window in enumerate(batch):
                own = logits[row, window.prefix : len(window) - 1].float()
                spread = own.logsumexp(-1)
                allowed = own[:, torch.as_tensor(han, device=own.device)]
                if confusion is not None:
                    ids = window.input_ids[window.prefix : -1]
                    allowed = allowed.masked_fill(~torch.from_numpy(confusion(ids)).to(allowed.device), -torch.inf)
                best = allowed.max(-1)
                probability = (best.values - spread).exp()
                results.append((han[best.indices.cpu().numpy()], probability.cpu().numpy()))
            return results

        found = run_windows(
            model,
            windows,
            decode,
            pad_id=self.tokenizer.pad_id,
            max_batch_tokens=max_batch_tokens,
            progress=progress,
            label="correct",
        )
        kinds = set(han.tolist())
        proposed = []
        groups = windows_by_example(windows, len(examples))
        for example, item, group in zip(examples, tokens, groups, strict=True):
            ids, scores = join_windows([windows[n] for n in group], [found[n] for n in group])
            proposed.append(
                [
                    (int(start), self.tokenizer.vocab[new], float(score))
                    for (start, end), old, new, score in zip(item.offsets, item.input_ids, ids, scores, strict=True)
                    if end - start == 1 and old != new and is_han(example.text[start])
                    # A wrong character may well be one that the vocabulary lacks; a confusion set is of known ones.
                    if int(old) in kinds or confusion is None
                ]
            )
        return proposed

    def calibrate(self, model: nn.Module, dev: Sequence[Example], max_batch_tokens: int | None) -> bool:
        proposed = self.propose(model, dev, max_batch_tokens)

        def values(threshold: float) -> tuple[float, float, float]:
            predicted = [self._corrected(e, own, threshold) for e, own in zip(dev, proposed, strict=True)]
            scores = self.score(dev, predicted)
            return scores.value, scores.metrics["character_correction_f1"], threshold

        # A weak model may mend no sentence whole: then its characters decide. Of equal thresholds the highest, which
        # changes least.
        self.options["threshold"] = max(THRESHOLDS, key=values)
        return True

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        return score_corrections(gold, predicted)

    def _corrected(self, example: Example, proposed: Sequence[tuple[int, str, float]], threshold: float) -> Example:
        characters, least = list(example.text), None
        for position, character, probability in proposed:
            if probability >= threshold:
                characters[position] = character
                least = probability if least is None else min(least, probability)
        return unlabelled(example, target="".join(characters), score=least)

    def _with_detection(self, model: Any) -> nn.Module:
        weight = self.options["detection_weight"]
        return Corrector(model, weight) if weight else model

    def _confusion_ids(self, han: np.ndarray) -> Any:
        """Return a function from token ids (T,) to which of ``han`` may stand there (T, n), or None without a set."""
        table = self.options.get("confusion")
        if table is None:
            return None
        places = {self.tokenizer.vocab[token]: number for number, token in enumerate(han.tolist())}

        def allowed(ids: np.ndarray) -> np.ndarray:
            rows = np.zeros((len(ids), len(han)), bool)
            for row, token in enumerate(ids.tolist()):
                own = self.tokenizer.vocab[token]
                rows[row, [places[c] for c in (*table.get(own, ""), own) if c in places]] = True
            rows[~rows.any(-1)] = True  # no Han character: nothing will be changed there
            return rows

        return allowed


def aligned_targets(source: Tokens, target: Tokens) -> np.ndarray:
    """Return (T,) for each source token the target's token on the same characters, ``IGNORED`` where there is none."""
    known = {(int(a), int(b)): int(token) for (a, b), token in zip(target.offsets, target.input_ids, strict=True)}
    return np.array([known.get((int(a), int(b)), IGNORED) for a, b in source.offsets], np.int64)
