"""Words are numbered and counted exactly, however the tables grow."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np

from tokenizer.word_table import MAX_WORD_TOKENS, NO_WORD, WordTable


def test_words_are_counted_as_by_a_plain_counter() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 60, 300_000).astype(np.int32)
    starts = rng.random(len(ids)) < 0.5
    starts[0] = True
    table = WordTable()
    numbers = np.concatenate([table.add(ids[:100_000], starts[:100_000]), table.add(ids[100_000:], _begun(starts))])
    both = np.concatenate([starts[:100_000], _begun(starts)])
    first = np.append(np.flatnonzero(both), len(ids))
    words = [tuple(ids[a:b].tolist()) for a, b in pairwise(first)]
    expected = Counter(word for word in words if len(word) <= MAX_WORD_TOKENS)
    found = [tuple(table.ids[a:b].tolist()) for a, b in zip(table.offsets[:-1], table.offsets[1:], strict=True)]
    assert dict(zip(found, table.counts.tolist(), strict=True)) == expected
    assert list(dict.fromkeys(word for word in words if len(word) <= MAX_WORD_TOKENS)) == found
    assert [found[n] if n != NO_WORD else None for n in numbers] == [
        word if len(word) <= MAX_WORD_TOKENS else None for word in words
    ]


def _begun(starts: np.ndarray) -> np.ndarray:
    rest = starts[100_000:].copy()
    rest[0] = True
    return rest


def test_merged_tables_hold_the_sum() -> None:
    one, two, both = WordTable(), WordTable(), WordTable()
    first = (np.array([1, 2, 3, 1, 2], np.int32), np.array([True, False, True, True, False]))
    second = (np.array([3, 4, 4, 1, 2], np.int32), np.array([True, True, False, True, False]))
    for table, parts in ((one, [first]), (two, [second]), (both, [first, second])):
        for part in parts:
            table.add(*part)
    one.merge(two.ids, two.offsets, two.counts)
    assert one.ids.tolist() == both.ids.tolist()
    assert one.counts.tolist() == both.counts.tolist() == [3, 2, 1]
