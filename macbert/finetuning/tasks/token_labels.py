"""Names by token labels (BIO), alone or under a CRF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import nn

from macbert.annotations import Entity, Example
from macbert.finetuning.bio import Alignment, bio_labels, decode_bio, encode_bio
from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.encoder import load_config, load_pretrained
from macbert.finetuning.tasks.base import IGNORED, Feature, check_labels, unlabelled
from macbert.finetuning.tasks.window_task import WindowTask
from macbert.finetuning.windows import Tokens, Window, join_windows, text_windows, tokenize
from macbert.metrics import Scores, score_entities
from tokenizer import ChineseTokenizer

if TYPE_CHECKING:
    from typing import Self


class TokenLabels(WindowTask):
    """transformers' token classification; its pipeline gives the same spans.

    Of windows that overlap, each decides on the tokens nearest its middle; names are read from the joined labels, so a
    name may be longer than a window.
    """

    name = "ner"
    requires = "entities"
    head: ClassVar[str] = "bio"

    @classmethod
    def learn(
        cls, config: FinetuneConfig, tokenizer: ChineseTokenizer, train: Sequence[Example], dev: Sequence[Example]
    ) -> Self:
        labels = entity_types(train, dev, config)
        return cls(tokenizer, labels, max_length=config.max_length, stride=config.stride, options={"head": cls.head})

    def build_model(self, folder: str, *, init: str, seed: int) -> nn.Module:
        from transformers import AutoModelForTokenClassification

        config = load_config(folder)
        config.id2label = dict(enumerate(bio_labels(self.labels)))
        config.label2id = {label: number for number, label in config.id2label.items()}
        return load_pretrained(AutoModelForTokenClassification, folder, config, init=init, seed=seed)

    def load_model(self, folder: str) -> nn.Module:
        from transformers import AutoModelForTokenClassification

        return self._load_whole(AutoModelForTokenClassification, folder)

    def features(self, examples: Sequence[Example]) -> list[Feature]:
        tokens = tokenize(self.tokenizer, [example.text for example in examples])
        types = {label: number for number, label in enumerate(self.labels)}
        alignment = Alignment()
        encoded = [
            encode_bio(item, example.entities or (), types, alignment)
            for item, example in zip(tokens, examples, strict=True)
        ]
        self.notes = alignment.notes()
        features = []
        for window in text_windows(self.tokenizer, tokens, self.max_length, self.stride):
            labels = np.full(len(window), IGNORED, np.int64)
            labels[window.prefix : -1] = encoded[window.example][window.start : window.stop]
            features.append({"input_ids": window.input_ids, "token_type_ids": window.token_type_ids, "labels": labels})
        return features

    def found(self, output: Any, batch: Sequence[Window], inputs: Any) -> list[tuple[np.ndarray, ...]]:
        """Return for each window its tokens' (label numbers, probabilities), special tokens left out."""
        best = output.logits.float().softmax(-1).max(-1)
        labels, scores = best.indices.cpu().numpy(), best.values.cpu().numpy()
        return [
            (labels[row, window.prefix : len(window) - 1].copy(), scores[row, window.prefix : len(window) - 1].copy())
            for row, window in enumerate(batch)
        ]

    def assembled(self, example: Example, tokens: Tokens, windows: Sequence[Window], found: Sequence[Any]) -> Example:
        return unlabelled(example, entities=self._entities(tokens, windows, found))

    def best_labels(self, joined: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the (label numbers, probabilities) of a text from what its windows gave, joined."""
        labels, scores = joined
        return labels, scores

    def score(self, gold: Sequence[Example], predicted: Sequence[Example]) -> Scores:
        return score_entities(gold, predicted)

    def _entities(
        self, tokens: Tokens, windows: Sequence[Window], found: Sequence[tuple[np.ndarray, ...]]
    ) -> tuple[Entity, ...]:
        labels, scores = self.best_labels(join_windows(windows, found))
        return tuple(
            Entity(*tokens.characters(first, last), self.labels[kind], float(scores[first : last + 1].mean()))
            for first, last, kind in decode_bio(labels)
        )


def entity_types(train: Sequence[Example], dev: Sequence[Example], config: FinetuneConfig) -> list[str]:
    """Return the entity types of the training texts; see :func:`check_labels`."""
    pairs = [[(e.type, example.where) for example in part for e in example.entities or ()] for part in (train, dev)]
    return check_labels(*pairs, what="entity type", least=1, config=config)
