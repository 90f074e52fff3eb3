"""The masking rules once more, slowly and plainly; the kernel must agree with them on every bit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from macbert.masking.config import MacMasking
from macbert.masking.marks import EDGE, TEXT, WORD
from macbert.masking.replacing import DRAWS_OF_A_WORD, ORDER_DRAWS, WORD_DRAWS
from macbert.masking.rows import RowMasker, mask_keys

STRATEGIES = ("mlm", "wwm", "wwm+ngram", "random", "mac")


class Draws:
    """splitmix64 from a key on, with Python's own whole numbers."""

    def __init__(self, key: int, first: int = 0) -> None:
        self.state = (key + first * 0x9E3779B97F4A7C15) % 2**64

    def bits(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        bits = self.state
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB % 2**64
        return bits ^ (bits >> 31)

    def upper(self) -> float:
        return (self.bits() >> 32) / 2**32

    def below(self, bound: int) -> int:
        return (self.bits() >> 32) * bound >> 32


@dataclass
class Word:
    places: list[int]
    choosable: bool
    at_edge: bool


class Reference:
    """Design: "Words", "Units and budget", "Replacement", "Candidates", "Strategies"; one method each."""

    def __init__(self, masking: MacMasking, world: Any) -> None:
        self.masking = masking
        vocabulary = world.tokenizer.vocabulary
        self.symbols = set(np.flatnonzero(vocabulary.symbol_mask).tolist())
        self.special = set(np.flatnonzero(vocabulary.special_mask).tolist()) | {world.tokenizer.unk_id}
        self.mask_id = world.tokenizer.mask_id
        self.ordinary = [t for t in range(len(vocabulary.symbol_mask)) if t not in self.special]
        self.candidates = world.candidates
        self.random_words: dict[int, list[tuple[int, ...]]] = {}
        for word in sorted(set(world.words)):
            if not self.special & set(word):
                self.random_words.setdefault(len(word), []).append(word)

    def mask(self, ids: list[int], marks: list[int], key: int) -> tuple[list[int], dict[int, int], Counter[str]]:
        """Return the masked ids, the labels of the chosen places, and counts."""
        self.key, self.order_draws = key, Draws(key, ORDER_DRAWS)
        self.ids, self.labels, self.counts = list(ids), {}, Counter[str]()
        units = self.units(self.words(ids, marks))
        tokens = sum(bool(mark & TEXT) for mark in marks)
        # Exactly, with the fraction that is written in the settings: 0.15 is 3/20.
        budget = math.floor(Fraction(str(self.masking.mlm_probability)) * tokens)
        self.fallback_left = math.ceil(Fraction(str(self.masking.max_fallback_fraction)) * budget)
        self.left = budget
        self.choose(units)
        self.counts.update(budget=budget, unfilled=self.left, chosen=len(self.labels))
        return self.ids, self.labels, self.counts

    def words(self, ids: list[int], marks: list[int]) -> list[Word]:
        words: list[Word] = []
        for place, mark in enumerate(marks):
            if not mark & TEXT:
                continue
            begins = place == 0 or not marks[place - 1] & TEXT
            if begins or mark & (WORD | EDGE) or self.masking.strategy == "mlm":
                words.append(Word([], True, begins or bool(mark & EDGE)))
            words[-1].places.append(place)
        for word in words:
            tokens = {ids[place] for place in word.places}
            only_symbols = tokens <= self.symbols and not self.masking.mask_punctuation
            word.choosable = not only_symbols and not tokens & self.special
        return words

    def units(self, words: list[Word]) -> list[list[Word]]:
        units: list[list[Word]] = []
        number = 0
        while number < len(words):
            if not words[number].choosable:
                number += 1
                continue
            chance, drawn = Draws(self.key, words[number].places[0]).upper(), 1
            for bound in np.cumsum(self.masking.ngrams)[:-1]:
                drawn += chance >= bound
            unit = [words[number]]
            for word in words[number + 1 : number + drawn]:
                if word.at_edge or not word.choosable:
                    break
                unit.append(word)
            self.counts[f"walked {drawn}"] += 1
            self.drawn = {**getattr(self, "drawn", {}), id(unit): drawn}
            units.append(unit)
            number += len(unit)
        return units

    def choose(self, units: list[list[Word]]) -> None:
        waiting = list(units)
        cut = False
        while waiting and self.left:
            place = self.order_draws.below(len(waiting))
            unit, waiting[place] = waiting[place], waiting[0]
            del waiting[0]
            singles = unit
            if not cut:
                self.counts[f"drawn {self.drawn[id(unit)]}"] += 1
                whole = list(unit)
                while sum(len(word.places) for word in whole) > self.left:
                    whole.pop()
                cut = len(whole) < len(unit)
                self.counts["cut"] += cut
                singles = unit[len(whole) :]
                for word in whole:
                    self.take(word)
            for word in singles:
                if len(word.places) <= self.left and self.take(word):
                    self.counts["fill"] += 1

    def take(self, word: Word) -> bool:
        """Choose a word and replace it, or (no similar word, cap reached) leave it; return whether it is chosen."""
        before = tuple(self.ids[place] for place in word.places)
        if self.masking.hides:
            for place, token in zip(word.places, before, strict=True):
                self.ids[place] = self.hide(token, place)
        else:
            after = self.replace(before, word.places[0])
            if after is None:
                self.counts["returned"] += 1
                return False
            for place, token in zip(word.places, after, strict=True):
                self.ids[place] = token
        self.labels.update(zip(word.places, before, strict=True))
        self.left -= len(before)
        return True

    def first_draw(self, place: int) -> tuple[float, Callable[[int], int]]:
        """Return what tells a word's fate, and what picks another word below a bound."""
        self.draws = Draws(self.key, WORD_DRAWS + place * DRAWS_OF_A_WORD)
        bits = self.draws.bits()
        return (bits >> 32) / 2**32, lambda bound: (bits % 2**32) * bound >> 32

    def hide(self, token: int, place: int) -> int:
        chance, pick = self.first_draw(place)
        if chance < self.masking.mask_replace_prob:
            self.counts["drew replaced"] += 1
            return self.mask_id
        if chance < self.masking.mask_replace_prob + self.masking.random_replace_prob:
            self.counts["drew random"] += 1
            return self.ordinary[pick(len(self.ordinary))]
        self.counts["drew kept"] += 1
        return token

    def replace(self, word: tuple[int, ...], place: int) -> tuple[int, ...] | None:
        similar = 0.0 if self.masking.strategy == "random" else self.masking.similar_replace_prob
        chance, pick = self.first_draw(place)
        if chance < similar:
            self.counts["drew replaced"] += 1
            others = self.candidates.get(word, [])[: self.masking.top_k]
            if others:
                return others[pick(len(others))]
            if len(word) > self.fallback_left:
                return None
            self.fallback_left -= len(word)
            self.counts["fallback words"] += 1
            return self.random_word(word, pick)
        if chance < self.masking.similar_replace_prob + self.masking.random_replace_prob:
            self.counts["drew random"] += 1
            return self.random_word(word, pick)
        self.counts["drew kept"] += 1
        return word

    def random_word(self, word: tuple[int, ...], pick: Callable[[int], int]) -> tuple[int, ...]:
        others = self.random_words.get(len(word), [])
        another = word
        while another == word:
            if set(others) - {word}:
                another = others[pick(len(others))]
                pick = self.draws.below
            else:
                another = tuple(self.ordinary[self.draws.below(len(self.ordinary))] for _ in word)
        return another


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("length", [8, 64, 128])
def test_the_kernel_agrees_with_the_reference_on_every_bit(world: Any, strategy: str, length: int) -> None:
    masking = MacMasking(strategy=strategy)
    assert_same(world, masking, *world.rows(np.random.default_rng(length), 60, length))


@pytest.mark.parametrize(
    "settings",
    [
        {"mask_punctuation": True},
        {"mlm_probability": 0.5, "top_k": 2},
        {"ngram_probs": (0.0, 0.0, 1.0)},
        {"similar_replace_prob": 1.0, "random_replace_prob": 0.0, "max_fallback_fraction": 0.0},
        {"similar_replace_prob": 0.3, "random_replace_prob": 0.3, "max_fallback_fraction": 1.0},
        {"mlm_probability": 0.9, "strategy": "wwm+ngram", "mask_replace_prob": 0.5, "random_replace_prob": 0.5},
    ],
    ids=str,
)
def test_the_kernel_agrees_with_the_reference_for_other_settings(world: Any, settings: dict[str, Any]) -> None:
    assert_same(world, MacMasking(**settings), *world.rows(np.random.default_rng(1), 60, 96, symbols=0.3, unknown=0.1))


def test_the_kernel_agrees_with_the_reference_where_a_word_has_no_other_of_its_length(world: Any) -> None:
    ids, marks = world.rows(np.random.default_rng(2), 20, 64)
    # Words of five and more tokens: no lexicon word is so long.
    marks[:, 10:40] &= ~np.uint8(WORD | EDGE)
    assert_same(world, MacMasking(strategy="random", mlm_probability=0.6), ids, marks)


def test_the_kernel_agrees_with_the_reference_on_rows_without_any_choosable_word(world: Any) -> None:
    ids, marks = world.rows(np.random.default_rng(3), 5, 32)
    ids[:, 1:-1] = np.where(marks[:, 1:-1] > 0, 6, ids[:, 1:-1])
    assert_same(world, MacMasking(), ids, marks)


def test_the_kernel_agrees_with_the_reference_where_hashes_mislead(world: Any) -> None:
    """Without upper bits of the hash, nearly every word is led to another word's similar ones first."""
    ids, marks = world.rows(np.random.default_rng(4), 60, 96)
    masker = RowMasker(MacMasking(), 96, world.tokenizer, world.similar, world.lexicon)
    places = masker.tables.buckets & np.uint32((1 << masker.tables.place_bits) - 1)
    masker.tables = masker.tables._replace(buckets=places, place_bits=32)
    assert_same(world, MacMasking(), ids, marks, masker)
    for epoch in range(50):
        masked = masker.mask(ids.copy(), marks, mask_keys(7, epoch, np.arange(len(ids))), trace=True)
        # What became of words is told of the last choice alone.
        assert np.array_equal(masked.trace[:, :, 0] > 0, masked.labels != -100)


def assert_same(
    world: Any, masking: MacMasking, ids: np.ndarray, marks: np.ndarray, masker: RowMasker | None = None
) -> None:
    keys = mask_keys(7, 1, np.arange(len(ids)))
    masker = masker or RowMasker(masking, ids.shape[1], world.tokenizer, world.similar, world.lexicon)
    masked_ids = ids.copy()
    masked = masker.mask(masked_ids, marks, keys)
    reference = Reference(masking, world)
    totals = Counter[str]()
    for row in range(len(ids)):
        expected_ids, expected_labels, counts = reference.mask(ids[row].tolist(), marks[row].tolist(), int(keys[row]))
        assert masked_ids[row].tolist() == expected_ids
        labels = {place: label for place, label in enumerate(masked.labels[row].tolist()) if label != -100}
        assert labels == expected_labels
        chosen = sorted(labels)
        padding = masked.positions.shape[1] - len(chosen)
        assert masked.positions[row].tolist() == [*chosen, *[0] * padding]
        assert masked.position_labels[row].tolist() == [*(labels[place] for place in chosen), *[-100] * padding]
        totals += counts
    ours = masked.counts
    assert (ours.budget, ours.unfilled, ours.chosen) == (totals["budget"], totals["unfilled"], totals["chosen"])
    assert ours.drawn_n == tuple(totals[f"drawn {n}"] for n in range(1, 9))
    assert ours.walked_n == tuple(totals[f"walked {n}"] for n in range(1, 9))
    assert (ours.units_cut, ours.fill_words) == (totals["cut"], totals["fill"])
    drawn = tuple(totals[f"drew {what}"] for what in ("replaced", "random", "kept"))
    assert (ours.drawn_replaced, ours.drawn_random, ours.drawn_kept) == drawn
    assert (ours.fallback_words, ours.returned_words) == (totals["fallback words"], totals["returned"])
