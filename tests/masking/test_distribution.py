"""Shares over a million chosen tokens, against bounds of four standard deviations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from macbert.masking.config import MacMasking
from macbert.masking.counts import MaskingCounts
from macbert.masking.marks import TEXT
from macbert.masking.replacing import FALLBACK, KEPT, MASKED, RANDOM, SIMILAR
from macbert.masking.rows import RowMasker, mask_keys

LENGTH, ROWS, EPOCHS = 128, 400, 150
STRATEGIES = ("mlm", "wwm", "wwm+ngram", "random", "mac")


@pytest.fixture(scope="module")
def rows(world: Any) -> tuple[np.ndarray, np.ndarray]:
    return world.rows(np.random.default_rng(5), ROWS, LENGTH)


@pytest.fixture(scope="module")
def totals(world: Any, rows: Any) -> dict[str, MaskingCounts]:
    found = {}
    for strategy in STRATEGIES:
        masker = RowMasker(MacMasking(strategy=strategy), LENGTH, world.tokenizer, world.similar, world.lexicon)
        counts = [
            masker.mask(rows[0].copy(), rows[1], mask_keys(3, epoch, np.arange(ROWS))).counts for epoch in range(EPOCHS)
        ]
        found[strategy] = sum(counts[1:], counts[0])
        assert found[strategy].chosen >= 1_000_000
    return found


def four_sigma(share: float, draws: int) -> float:
    return 4 * (share * (1 - share) / draws) ** 0.5


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_budget_is_spent_and_never_exceeded(totals: dict[str, MaskingCounts], rows: Any, strategy: str) -> None:
    counts = totals[strategy]
    tokens = np.count_nonzero(rows[1] & TEXT, axis=1)
    assert counts.tokens == EPOCHS * tokens.sum()
    assert counts.budget == EPOCHS * sum(15 * n // 100 for n in tokens.tolist())
    assert counts.chosen + counts.unfilled == counts.budget
    assert counts.most_unfilled <= 3
    assert counts.unfilled < 1e-3 * counts.budget


@pytest.mark.parametrize("strategy", ["wwm+ngram", "random", "mac"])
def test_units_of_one_to_four_words_are_drawn_at_40_30_20_10(totals: dict[str, MaskingCounts], strategy: str) -> None:
    counts = totals[strategy]
    walked, taken = sum(counts.walked_n), sum(counts.drawn_n)
    units_a_row = walked / counts.rows
    assert counts.units_cut <= counts.rows
    for n, share in enumerate((0.4, 0.3, 0.2, 0.1), 1):
        assert counts.walked_n[n - 1] / walked == pytest.approx(share, abs=four_sigma(share, walked))
        # Among the units of one row (see MaskingCounts.ngram_shares); the mean n is 2. The first term of a series in
        # 1 / units_a_row, hence the last summand.
        expected = share * (1 + (n - 2) / (2 * units_a_row))
        tolerance = four_sigma(share, taken) + share * (n + 1) / units_a_row**2
        assert counts.ngram_shares[n - 1] == pytest.approx(expected, abs=tolerance)
        assert round(counts.ngram_shares[n - 1], 1) == share
    assert not any(counts.drawn_n[4:])


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [
        ("mac", (0.8, 0.1, 0.1)),
        ("random", (0.0, 0.9, 0.1)),
        *((s, (0.8, 0.1, 0.1)) for s in ("mlm", "wwm", "wwm+ngram")),
    ],
)
def test_draws_are_80_10_10(totals: dict[str, MaskingCounts], strategy: str, shares: tuple[float, ...]) -> None:
    counts = totals[strategy]
    draws = counts.drawn_replaced + counts.drawn_random + counts.drawn_kept
    for found, share in zip(counts.draw_shares, shares, strict=True):
        assert found == pytest.approx(share, abs=four_sigma(share, draws))


def test_outcomes_are_the_draws_less_what_had_no_similar_word(totals: dict[str, MaskingCounts]) -> None:
    counts = totals["mac"]
    assert counts.fallback_words > 0
    assert counts.returned_words > 0
    assert counts.replaced == counts.drawn_replaced - counts.fallback_words - counts.returned_words
    assert counts.random == counts.drawn_random + counts.fallback_words
    assert counts.kept == counts.drawn_kept
    assert counts.most_fallback_over <= 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_stands_in_a_row_after_masking_obeys_the_rules(world: Any, rows: Any, strategy: str) -> None:
    ids, marks = rows
    masker = RowMasker(MacMasking(strategy=strategy), LENGTH, world.tokenizer, world.similar, world.lexicon)
    words = set(world.words)
    vocabulary = world.tokenizer.vocabulary
    for epoch in range(2):
        after = ids.copy()
        masked = masker.mask(after, marks, mask_keys(3, epoch, np.arange(ROWS)), trace=True)
        chosen = masked.labels != -100
        outcome = masked.trace[:, :, 0]
        assert (after[~chosen] == ids[~chosen]).all()
        assert (masked.labels[chosen] == ids[chosen]).all()
        assert ((outcome > 0) == chosen).all()
        assert not vocabulary.special_mask[ids[chosen]].any()
        budgets = 15 * np.count_nonzero(marks & TEXT, axis=1) // 100
        assert (chosen.sum(axis=1) <= budgets).all()
        assert (np.count_nonzero(outcome == FALLBACK, axis=1) <= -(-budgets // 10)).all()
        if strategy in ("mac", "random"):
            assert (after != world.tokenizer.mask_id).all()
            assert not vocabulary.special_mask[after[chosen]].any()
            for row in range(ROWS):
                for word in words_of(marks[row]):
                    check_word(world, words, ids[row, word], after[row, word], outcome[row, word], chosen[row, word])
        else:
            assert (after[outcome == MASKED] == world.tokenizer.mask_id).all()
            assert (after[outcome == KEPT] == ids[outcome == KEPT]).all()
            assert not vocabulary.special_mask[after[outcome == RANDOM]].any()


def words_of(marks: np.ndarray) -> list[slice]:
    """Return the words of a row: the reference in test_reference.py says why these are all."""
    starts = [place for place in range(LENGTH) if marks[place] & TEXT and marks[place] & ~np.uint8(TEXT)]
    ends = [next(p for p in range(start + 1, LENGTH) if marks[p] != TEXT) for start in starts]
    return [slice(start, end) for start, end in zip(starts, ends, strict=True)]


def check_word(world: Any, words: set, before: np.ndarray, after: np.ndarray, outcome: np.ndarray, chosen: Any) -> None:
    old, new = tuple(before.tolist()), tuple(after.tolist())
    assert chosen.all() or not chosen.any()
    if not chosen.any():
        return
    assert not world.tokenizer.vocabulary.symbol_mask[before].all()
    assert len(set(outcome.tolist())) == 1
    if outcome[0] == SIMILAR:
        assert new in world.candidates[old][:10]
    elif outcome[0] == KEPT:
        assert new == old
    elif len(old) in {len(word) for word in words if word != old}:
        assert new in words - {old}
    else:
        assert new != old
    if outcome[0] == FALLBACK:
        assert old not in world.candidates


def test_each_candidate_is_drawn_equally_often(world: Any) -> None:
    word = next(word for word in world.words if len(world.candidates.get(word, ())) == 12)
    ids = np.full((40_000, 8), word[0], np.int64)
    marks = np.zeros(ids.shape, np.uint8)
    ids[:, 1 : 1 + len(word)] = word
    marks[:, 1 : 1 + len(word)] = TEXT
    masking = MacMasking(mlm_probability=0.99, similar_replace_prob=1.0, random_replace_prob=0.0)
    # One word fills such a row, so its budget must reach it: 0.99 of a row's tokens rounded down, plus one token.
    marks[:, 7] = TEXT
    masker = RowMasker(masking, 8, world.tokenizer, world.similar, world.lexicon)
    masker.mask(ids, marks, mask_keys(0, 0, np.arange(len(ids))))
    drawn = [tuple(row) for row in ids[:, 1 : 1 + len(word)].tolist()]
    drawn = [new for new in drawn if new != word]
    nearest = world.candidates[word][:10]
    assert set(drawn) == set(nearest)
    for candidate in nearest:
        assert drawn.count(candidate) / len(drawn) == pytest.approx(0.1, abs=four_sigma(0.1, len(drawn)))


def test_the_same_key_gives_the_same_masks_and_another_gives_others(world: Any, rows: Any) -> None:
    masker = RowMasker(MacMasking(), LENGTH, world.tokenizer, world.similar, world.lexicon)

    def masked(seed: int, epoch: int) -> bytes:
        after = rows[0].copy()
        labels = masker.mask(after, rows[1], mask_keys(seed, epoch, np.arange(ROWS))).labels
        return after.tobytes() + labels.tobytes()

    assert masked(1, 2) == masked(1, 2)
    assert len({masked(seed, epoch) for seed in range(3) for epoch in range(3)}) == 9


def test_a_row_is_masked_the_same_alone_and_among_others(world: Any, rows: Any) -> None:
    masker = RowMasker(MacMasking(), LENGTH, world.tokenizer, world.similar, world.lexicon)
    together, alone = rows[0].copy(), rows[0].copy()
    keys = mask_keys(1, 2, np.arange(ROWS))
    masker.mask(together, rows[1], keys)
    for row in range(0, ROWS, 37):
        masker.mask(alone[row : row + 1], rows[1][row : row + 1], keys[row : row + 1])
        assert (alone[row] == together[row]).all()
