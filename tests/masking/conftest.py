"""A small world to mask in: 2,000 tokens, words of 1 to 4 of them, similar words for most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from macbert.masking.marks import EDGE, TEXT, WORD

VOCABULARY_SIZE = 2000
PAD, UNK, CLS, SEP, MASK, UNUSED = range(6)
SYMBOLS = range(6, 26)
COMMA = 6

# Words of 1, 2, 3 and 4 tokens in Chinese news, roughly.
LENGTH_SHARES = (0.45, 0.45, 0.07, 0.03)


@dataclass
class World:
    """What masking needs of the lower floors, without them."""

    tokenizer: Any
    lexicon: Any
    similar: Any
    words: list[tuple[int, ...]]
    candidates: dict[tuple[int, ...], list[tuple[int, ...]]]
    rows: Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(np.random.default_rng(20260101))


def make_world(rng: np.random.Generator) -> World:
    special = np.zeros(VOCABULARY_SIZE, np.bool_)
    special[[PAD, UNK, CLS, SEP, MASK, UNUSED]] = True
    symbol = np.zeros(VOCABULARY_SIZE, np.bool_)
    symbol[list(SYMBOLS)] = True
    tokenizer = SimpleNamespace(
        vocabulary=SimpleNamespace(special_mask=special, symbol_mask=symbol),
        pad_id=PAD, unk_id=UNK, cls_id=CLS, sep_id=SEP, mask_id=MASK,
    )  # fmt: skip
    words = sorted(
        {
            tuple(rng.integers(max(SYMBOLS) + 1, VOCABULARY_SIZE, length).tolist())
            for length in rng.choice([1, 2, 3, 4], 4000, p=LENGTH_SHARES).tolist()
        }
    )
    by_length = {n: [word for word in words if len(word) == n] for n in (1, 2, 3, 4)}
    candidates = {}
    for word in words:
        others = by_length[len(word)]
        picked = {others[i] for i in rng.integers(0, len(others), int(rng.integers(1, 13)))} - {word}
        # One word in ten has no similar word, as in a table made from a real corpus.
        if picked and rng.random() < 0.9:
            candidates[word] = sorted(picked)
    return World(tokenizer, flat_lexicon(words), flat_similar(candidates), words, candidates, _rows_of(words))


def flat_lexicon(words: list[tuple[int, ...]]) -> Any:
    return SimpleNamespace(
        ids=np.array([token for word in words for token in word], np.int32),
        offsets=np.cumsum([0, *map(len, words)]).astype(np.int64),
    )


def flat_similar(candidates: dict[tuple[int, ...], list[tuple[int, ...]]]) -> Any:
    rows = list(candidates)
    return SimpleNamespace(
        word_ids=np.array([token for word in rows for token in word], np.int32),
        word_offsets=np.cumsum([0, *map(len, rows)]).astype(np.int64),
        candidate_ids=np.array([t for word in rows for other in candidates[word] for t in other], np.int32),
        candidate_offsets=np.cumsum([0, *(len(candidates[word]) for word in rows)]).astype(np.int64),
    )


def _rows_of(words: list[tuple[int, ...]]) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    by_length = {n: [word for word in words if len(word) == n] for n in (1, 2, 3, 4)}

    def rows(
        rng: np.random.Generator, count: int, length: int, symbols: float = 0.12, unknown: float = 0.01
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return input_ids and marks of rows: [CLS] A [SEP] B [SEP], sentences of about 30 tokens, then padding."""
        ids, marks = np.full((count, length), PAD, np.int64), np.zeros((count, length), np.uint8)
        for row in range(count):
            end = length - int(rng.integers(0, 4))
            middle = int(rng.integers(2, end - 2))
            ids[row, [0, middle, end - 1]] = CLS, SEP, SEP
            for first, last in ((1, middle), (middle + 1, end - 1)):
                _fill(rng, by_length, ids[row, first:last], marks[row, first:last], symbols, unknown)
        return ids, marks

    return rows


def _fill(rng: Any, by_length: Any, ids: np.ndarray, marks: np.ndarray, symbols: float, unknown: float) -> None:
    place = 0
    until_edge = 0
    while place < len(ids):
        kind = rng.random()
        if kind < symbols:
            word = tuple(rng.choice(SYMBOLS, int(rng.integers(1, 3))).tolist())
        else:
            others = by_length[int(rng.choice([1, 2, 3, 4], p=LENGTH_SHARES))]
            word = others[int(rng.integers(len(others)))]
            if kind < symbols + unknown:
                word = (UNK, *word[1:])
        word = word[: len(ids) - place]
        ids[place : place + len(word)] = word
        marks[place : place + len(word)] = TEXT
        marks[place] |= WORD
        if until_edge <= 0:
            marks[place] |= EDGE
            until_edge = int(rng.geometric(1 / 30))
        until_edge -= len(word)
        place += len(word)
