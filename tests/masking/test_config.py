"""The settings of masking: the paper's defaults, exact budgets, every mistake told at once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from corpus.errors import UserError
from macbert.masking.config import InspectConfig, MacMasking
from macbert.masking.draws import MASKS, SENTENCE_ORDER, row_key
from macbert.masking.tables import masking_tables


def test_the_defaults_are_the_papers() -> None:
    masking = MacMasking()
    assert (masking.strategy, masking.mlm_probability, masking.ngram_probs) == ("mac", 0.15, (0.4, 0.3, 0.2, 0.1))
    assert (masking.similar_replace_prob, masking.random_replace_prob) == (0.8, 0.1)
    assert (masking.max_fallback_fraction, masking.top_k, masking.mask_punctuation) == (0.1, 10, False)


@pytest.mark.parametrize("probability", [0.15, 0.1, 0.2, 0.3, 0.07, 0.7, 0.85])
def test_budgets_are_exact_whatever_floating_point_says(probability: float) -> None:
    masking = MacMasking(mlm_probability=probability, max_fallback_fraction=probability)
    exact = Fraction(str(probability))
    for tokens in range(5000):
        assert masking.budget(tokens) == exact * tokens // 1
        assert masking.fallback_cap(tokens) == -(-exact * tokens // 1)


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(UserError) as caught:
        MacMasking(strategy="maf", mlm_probability=1.5, ngram_probs=(0.5, 0.4), top_k=0)
    told = [problem.where for problem in caught.value.problems]
    assert told == ["masking.strategy", "masking.mlm_probability", "masking.ngram_probs", "masking.top_k"]
    with pytest.raises(UserError, match="random_replace_prob"):
        MacMasking(similar_replace_prob=0.95)
    MacMasking(strategy="wwm", similar_replace_prob=0.95)  # no similar words in wwm
    with pytest.raises(UserError) as caught:
        InspectConfig(text="", tokenizer="", seed=-1)
    assert len(caught.value.problems) == 3


def test_keys_differ_by_seed_epoch_number_and_purpose() -> None:
    keys = {
        int(row_key(seed, epoch, number, purpose))
        for seed in range(5)
        for epoch in range(5)
        for number in range(5)
        for purpose in (MASKS, SENTENCE_ORDER)
    }
    assert len(keys) == 250
    # 64 bits of 10,000 neighbouring numbers: each bit is set half the time.
    bits = np.array([int(row_key(0, 0, number, MASKS)) for number in range(10_000)], np.uint64)
    ones = [int(((bits >> np.uint64(place)) & np.uint64(1)).sum()) for place in range(64)]
    # 64 binomials: five standard deviations leave one false alarm in 27,000.
    assert max(abs(count - 5000) for count in ones) < 5 * 50


def test_a_table_of_another_vocabulary_is_refused(world: Any) -> None:
    for name, wrong in (("candidate_ids", 10**6), ("word_ids", -1), ("candidate_ids", world.tokenizer.mask_id)):
        table = type(world.similar)(**vars(world.similar))
        setattr(table, name, getattr(table, name).copy())
        getattr(table, name)[0] = wrong
        with pytest.raises(UserError, match="a table made with this tokenizer"):
            masking_tables(world.tokenizer, table, world.lexicon)
    lexicon = type(world.lexicon)(ids=world.lexicon.ids + 10**6, offsets=world.lexicon.offsets)
    with pytest.raises(UserError, match="lexicon"):
        masking_tables(world.tokenizer, world.similar, lexicon)


def test_random_words_are_the_lexicons_distinct_ones_without_special_tokens(world: Any) -> None:
    special = [(world.tokenizer.unk_id, 100), (100, world.tokenizer.mask_id)]
    words = [*world.words, *world.words[:50], *special]
    lexicon = type(world.lexicon)(
        ids=np.array([token for word in words for token in word], np.int32),
        offsets=np.cumsum([0, *map(len, words)]).astype(np.int64),
    )
    tables = masking_tables(world.tokenizer, None, lexicon)
    found = set()
    for length in range(1, 5):
        start, count = tables.random[:, length]
        rows = tables.store[start : start + count * length].reshape(count, length).tolist()
        assert len(rows) == len({tuple(row) for row in rows})
        found |= {tuple(row) for row in rows}
    assert found == set(world.words)
