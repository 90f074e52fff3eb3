"""Names as token labels: B- begins one, I- goes on, O is outside; one name a token."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from macbert.annotations import Entity
from macbert.finetuning.windows import Tokens


def bio_labels(types: Sequence[str]) -> list[str]:
    """Return the token labels of the entity types.

    >>> bio_labels(["地点", "人物"])
    ['O', 'B-地点', 'I-地点', 'B-人物', 'I-人物']
    """
    return ["O", *(f"{part}-{label}" for label in types for part in "BI")]


@dataclass
class Alignment:
    """Entities that token labels cannot say exactly."""

    entities: int = 0
    """All."""

    without_tokens: int = 0
    """Of characters that the tokenizer drops; not learnt."""

    inexact: int = 0
    """Beginning or ending inside a token; learnt with the whole token."""

    overlapping: int = 0
    """Overlapping a longer one; not learnt as token labels."""

    def notes(self) -> dict[str, int]:
        """Return the counts by name."""
        return {
            "entities_without_tokens": self.without_tokens,
            "entities_inside_a_token": self.inexact,
            "entities_overlapping_a_longer_one": self.overlapping,
        }


def token_spans(tokens: Tokens, entities: Iterable[Entity], alignment: Alignment) -> list[tuple[int, int, str, Entity]]:
    """Return (first token, last token, type, entity) of each entity that has tokens, in the entities' order."""
    spans = []
    for entity in entities:
        alignment.entities += 1
        covered = tokens.covering(entity.start, entity.end)
        if covered is None:
            alignment.without_tokens += 1
            continue
        alignment.inexact += tokens.characters(*covered) != (entity.start, entity.end)
        spans.append((*covered, entity.type, entity))
    return spans


def encode_bio(
    tokens: Tokens, entities: Iterable[Entity], types: dict[str, int], alignment: Alignment
) -> NDArray[np.int64]:
    """Return (T,) label numbers; of entities that overlap, the longest is kept, of equal ones the first."""
    labels = np.zeros(len(tokens), np.int64)
    spans = token_spans(tokens, entities, alignment)
    for first, last, label, _ in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if labels[first : last + 1].any():
            alignment.overlapping += 1
            continue
        labels[first : last + 1] = 2 * types[label] + 2
        labels[first] -= 1
    return labels


def decode_bio(labels: Sequence[int] | NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return (first token, last token, type number) of each entity in a sequence of label numbers.

    An I- that goes on nothing of its type begins an entity, as in transformers' pipeline.

    >>> decode_bio([0, 1, 2, 1, 0, 4])
    [(1, 2, 0), (3, 3, 0), (5, 5, 1)]
    """
    found: list[tuple[int, int, int]] = []
    inside = False
    for place, label in enumerate(labels):
        if label == 0:
            inside = False
            continue
        kind, begins = (int(label) - 1) // 2, label % 2 == 1
        if inside and not begins and found[-1][2] == kind:
            found[-1] = (found[-1][0], place, kind)
        else:
            found.append((place, place, kind))
        inside = True
    return found
