from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from macbert.annotations import Entity
from macbert.finetuning.bio import Alignment, decode_bio, encode_bio
from macbert.finetuning.windows import owned_ranges, pair_windows, text_windows, tokenize, window_ranges
from tokenizer import ChineseTokenizer, Vocabulary

TOKENIZER = ChineseTokenizer(
    Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"李雷在北京工作大学ab1", "##a", "##b", "##1"]),
    segmenter="char",
)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(2, 40), st.integers(0, 38))
def test_windows_cover_every_token_and_each_is_decided_once(length: int, size: int, overlap: int) -> None:
    ranges = window_ranges(length, size, min(overlap, size - 1))
    assert all(stop - start == min(size, length) for start, stop in ranges)
    owned = owned_ranges(ranges)
    assert [place for start, stop in owned for place in range(start, stop)] == list(range(length))
    for (start, stop), (first, last) in zip(ranges, owned, strict=True):
        assert start <= first <= last <= stop


def test_rows_are_cls_text_sep_and_prefixes_are_of_the_first_type() -> None:
    text, question = tokenize(TOKENIZER, ["李雷在北京工作"]), tokenize(TOKENIZER, ["大学"])
    rows = text_windows(TOKENIZER, text, 8, 2, question)
    assert [row.input_ids.tolist()[:4] for row in rows] == [[2, *question[0].input_ids.tolist(), 3]] * len(rows)
    assert all(row.input_ids[-1] == 3 and len(row) == 8 for row in rows)
    assert rows[0].token_type_ids.tolist() == [0] * 4 + [1] * 4
    assert [(row.start, row.stop, row.prefix) for row in rows] == [(n, n + 3, 4) for n in range(5)]


def test_pairs_lose_the_end_of_the_longer_text() -> None:
    a, b = tokenize(TOKENIZER, ["李" * 20]), tokenize(TOKENIZER, ["雷" * 4])
    row = pair_windows(TOKENIZER, a, b, 15)[0]
    assert len(row) == 15
    assert row.input_ids.tolist().count(TOKENIZER.vocab.index("雷")) == 4
    assert row.token_type_ids.tolist() == [0] * 10 + [1] * 5
    both = pair_windows(TOKENIZER, a, tokenize(TOKENIZER, ["雷" * 20]), 15)[0]
    assert both.token_type_ids.tolist() == [0] * 8 + [1] * 7


def test_pair_rows_equal_transformers_longest_first() -> None:
    theirs = TOKENIZER.to_transformers()
    for first, second in (("李雷" * 6, "北京"), ("李", "北京" * 9), ("李雷" * 7, "北京" * 7), ("李", "京")):
        expected = theirs(first, second, truncation="longest_first", max_length=15)
        ours = pair_windows(TOKENIZER, tokenize(TOKENIZER, [first]), tokenize(TOKENIZER, [second]), 15)[0]
        assert len(ours) == len(expected["input_ids"])
        if len(first) + len(second) <= 12 or min(len(first), len(second)) <= 6:
            assert ours.input_ids.tolist() == expected["input_ids"]
            assert ours.token_type_ids.tolist() == expected["token_type_ids"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_token_spans_are_slices_of_any_text_and_cover_their_characters(text: str) -> None:
    tokens = tokenize(TOKENIZER, [text])[0]
    for place in range(len(tokens)):
        start, end = tokens.characters(place, place)
        assert 0 <= start < end <= len(text)
        covered = tokens.covering(start, end)
        assert covered is not None
        assert covered[0] <= place <= covered[1]


def test_lone_surrogates_keep_the_places_of_the_others() -> None:
    tokens = tokenize(TOKENIZER, ["\ud800李\udfff雷"])[0]
    assert [tokens.characters(place, place) for place in range(len(tokens))] == [(1, 2), (3, 4)]


def test_marks_of_their_own_stay_with_their_letter() -> None:
    tokens = tokenize(TOKENIZER, ["a\u0301李"])[0]
    assert tokens.characters(0, 0) == (0, 2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6), st.sampled_from("xy")), max_size=8))
def test_labels_that_do_not_overlap_come_back_exactly(spans: list[tuple[int, int, str]]) -> None:
    text = "李" * 40
    entities: list[Entity] = []
    for start, length, kind in sorted(spans):
        if not entities or start >= entities[-1].end:
            entities.append(Entity(start, start + length, kind))
    tokens, alignment = tokenize(TOKENIZER, [text])[0], Alignment()
    labels = encode_bio(tokens, entities, {"x": 0, "y": 1}, alignment)
    assert [Entity(a, b + 1, "xy"[kind]) for a, b, kind in decode_bio(labels)] == entities
    assert alignment.overlapping == alignment.inexact == alignment.without_tokens == 0


def test_what_token_labels_cannot_say_is_counted() -> None:
    text = "北京大学 ab1"
    entities = [Entity(0, 2, "x"), Entity(0, 4, "x"), Entity(6, 7, "x"), Entity(4, 5, "x")]
    tokens, alignment = tokenize(TOKENIZER, [text])[0], Alignment()
    labels = encode_bio(tokens, entities, {"x": 0}, alignment)
    assert alignment.notes() == {
        "entities_without_tokens": 1,
        "entities_inside_a_token": 0,
        "entities_overlapping_a_longer_one": 1,
    }
    assert np.count_nonzero(labels == 1) == 2


def test_an_inside_label_that_goes_on_nothing_begins_a_name() -> None:
    assert decode_bio([2, 2]) == [(0, 1, 0)]
    assert decode_bio([1, 4, 4]) == [(0, 0, 0), (1, 2, 1)]


def test_a_batch_fits_the_cache_of_the_cores_that_work_on_it() -> None:
    import torch
    from transformers import BertConfig, BertModel

    from macbert.finetuning.forward import batch_tokens

    def tokens(wide: int) -> int:
        config = BertConfig(
            vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=wide
        )
        return batch_tokens(torch.nn.Sequential(BertModel(config)))

    threads = torch.get_num_threads()
    assert tokens(1024) == 384 * threads  # 384 x 1024 x 4 bytes = 1.5 MiB
    assert tokens(512) == 768 * threads
    assert tokens(8192) == 256 * threads
