"""Extractive reading: where in the text is the answer to the question, and is there one?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from corpus.errors import Problem, UserError
from macbert.annotations import Answer, Example
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder import load_config, load_pretrained
from macbert.finetuning.forward import Progress, run_windows
from macbert.finetuning.tasks.base import Feature, Task, unlabelled
from macbert.finetuning.windows import Window, text_windows, tokenize, windows_by_example
from macbert.metrics import Scores, score_answers
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self

MAX_ANSWER_TOKENS = 64


class Reading(Task):
    """transformers' question answering: rows ``[CLS] question [SEP] text [SEP]``; [CLS] stands for "no answer here".

    Of several gold answers the first is learnt and any is right. Where every training question has an answer, every
    question gets one.
    """

    name = "mrc"
    requires = "answers"

    @classmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        check_questions([*train, *dev])
        if not any(example.answers for example in train):
            fix = "give training questions that have answers"
            raise UserError.at(config.train, expected="at least one answer", found="none", fix=fix)
        options = {"always_answers": all(example.answers for example in train)}
        return cls(tokenizer, ["answer"], max_length=config.max_length, stride=config.stride, options=options)

    def check_gold(self, gold: Sequence[Example], path: str) -> None:
        check_questions(gold)

    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        from transformers import AutoModelForQuestionAnswering

        config = load_config(folder)
        config.num_labels = 2
        return load_pretrained(AutoModelForQuestionAnswering, folder, config, init=init, seed=seed)

    def load_model(self, folder: str) -> nn.Module:
        from transformers import AutoModelForQuestionAnswering

        return self._load_whole(AutoModelForQuestionAnswering, folder)

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        windows, tokens = self._windows(examples)
        features, held = [], set()
        for window in windows:
            target = (0, 0)
            if answers := examples[window.example].answers:
                covered = tokens[window.example].covering(answers[0].start, answers[0].end)
                if covered and window.start <= covered[0] and covered[1] < window.stop:
                    shift = window.prefix - window.start
                    target = (covered[0] + shift, covered[1] + shift)
                    held.add(window.example)
            features.append({"input_ids": window.input_ids, "token_type_ids": window.token_type_ids, "labels": target})
        self.notes = {"answers_in_no_window": sum(bool(e.answers) for e in examples) - len(held)}
        return features

    def collate(self, features: Sequence[Feature]) -> dict[str, torch.Tensor]:
        targets = torch.tensor([feature["labels"] for feature in features])
        return {**self.inputs(features), "start_positions": targets[:, 0], "end_positions": targets[:, 1]}

    def predict(
        self,
        model: nn.Module,
        examples: Sequence[Example],
        max_batch_tokens: int | None,
        progress: Progress | None = None,
    ) -> list[Example]:
        check_questions(examples)
        windows, tokens = self._windows(examples)
        found = run_windows(
            model,
            windows,
            best_answers,
            pad_id=self.tokenizer.pad_id,
            max_batch_tokens=max_batch_tokens,
            progress=progress,
            label="read",
        )
        predicted = []
        for example, item, group in zip(examples, tokens, windows_by_example(windows, len(examples)), strict=True):
            best = max((found[number] for number in group), key=lambda answer: answer[2])
            none = min(found[number][3] for number in group)
            first, last, score, _ = best
            start, end = item.characters(first, last) if np.isfinite(score) else (0, 0)
            answers: tuple[Answer, ...] = ()
            if np.isfinite(score) and (self.options["always_answers"] or score > none):
                confidence = float(1 / (1 + np.exp(np.clip(none - score, -50, 50))))
                answers = (Answer(start, end, confidence),)
            predicted.append(unlabelled(example, answers=answers))
        return predicted

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        return score_answers(gold, predicted)

    def _windows(self, examples: Sequence[Example]) -> tuple[list[Window], list[Any]]:
        questions = tokenize(self.tokenizer, [example.question or "" for example in examples])
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        return text_windows(self.tokenizer, tokens, self.max_length, self.stride, questions), tokens


def best_answers(output: Any, batch: Sequence[Window], inputs: Any) -> list[tuple[int, int, float, float]]:
    """Return for each window its best (first token, last token, score, score of no answer)."""
    starts, ends = output.start_logits.float().cpu().numpy(), output.end_logits.float().cpu().numpy()
    answers = []
    for row, window in enumerate(batch):
        text = slice(window.prefix, len(window) - 1)
        start, end = starts[row, text], ends[row, text]
        none = float(starts[row, 0] + ends[row, 0])
        if not len(start):
            answers.append((0, 0, -np.inf, none))
            continue
        table = start[:, None] + end
        allowed = np.triu(np.ones(table.shape, bool)) & ~np.triu(np.ones(table.shape, bool), MAX_ANSWER_TOKENS)
        first, last = np.unravel_index(np.where(allowed, table, -np.inf).argmax(), table.shape)
        answers.append((int(first) + window.start, int(last) + window.start, float(table[first, last]), none))
    return answers


def check_questions(examples: Sequence[Example]) -> None:
    """Check that each text has a question.

    Raises:
        UserError: every line without one.
    """
    missing = [e.where or "text" for e in examples if not e.question]
    if missing:
        raise UserError(*(Problem(where, "a 'question'", "none", "add it") for where in missing[:200]))
