"""Rows as a model sees them: layout, sentence order; and that they are functions of (seed, epoch, number)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from corpus.errors import UserError
from macbert.examples import PretrainingExamples
from macbert.masking import MacMasking

PAD, UNK, CLS, SEP, MASK = range(5)
LENGTH = 96

# Without a table of similar words, mac could not spend its budget.
MASKING = MacMasking(strategy="random")


@pytest.fixture(scope="module")
def examples(documents: Any, tokenizer: Any) -> PretrainingExamples:
    return PretrainingExamples(documents, tokenizer, MASKING, max_length=LENGTH, seed=5)


@pytest.fixture(scope="module")
def epoch(examples: PretrainingExamples) -> dict[str, np.ndarray]:
    return examples.batch(2, range(examples.num_rows))


def original(batch: dict[str, np.ndarray]) -> np.ndarray:
    return np.where(batch["labels"] != -100, batch["labels"], batch["input_ids"])


def pieces(batch: dict[str, np.ndarray]) -> Iterator[tuple[int, int, slice, list[list[int]], int]]:
    """Yield row, number of the piece, its slots, its segments without special tokens, and its SOP label."""
    unmasked = original(batch)
    for row, ids in enumerate(batch["piece_ids"]):
        for number in range(1, ids.max() + 1):
            places = np.flatnonzero(ids == number)
            span = slice(places[0], places[-1] + 1)
            assert len(places) == span.stop - span.start
            tokens = unmasked[row, span].tolist()
            assert tokens[0] == CLS
            assert tokens[-1] == SEP
            segments: list[list[int]] = [[]]
            for token in tokens[1:-1]:
                if token == SEP:
                    segments.append([])
                else:
                    segments[-1].append(token)
            yield row, number, span, segments, int(batch["sop_labels"][row, number - 1])


def test_a_piece_is_cls_a_sep_b_sep_with_its_types_positions_and_label(epoch: dict[str, np.ndarray]) -> None:
    labels = set()
    for row, number, span, segments, label in pieces(epoch):
        first = len(segments[0]) + 2
        size = span.stop - span.start
        assert epoch["token_type_ids"][row, span].tolist() == [0] * first + [1] * (size - first)
        assert epoch["position_ids"][row, span].tolist() == list(range(size))
        assert epoch["cls_positions"][row, number - 1] == span.start
        assert len(segments) == (1 if label == -100 else 2)
        assert all(segments)
        labels.add(label)
    assert labels == {0, 1, -100}


def test_pieces_fill_a_row_from_the_left_and_padding_follows(epoch: dict[str, np.ndarray]) -> None:
    for row in range(len(epoch["input_ids"])):
        ids = epoch["piece_ids"][row]
        used = np.count_nonzero(ids)
        assert (np.diff(ids[:used]) >= 0).all()
        assert set(ids[:used].tolist()) == set(range(1, ids.max() + 1))
        assert not ids[used:].any()
        for name, filler in (("input_ids", PAD), ("token_type_ids", 0), ("position_ids", 0), ("labels", -100)):
            assert (epoch[name][row, used:] == filler).all()
        count = ids.max()
        assert not epoch["cls_positions"][row, count:].any()
        assert (epoch["sop_labels"][row, count:] == -100).all()


def test_an_epoch_holds_every_sentence_once_whole_and_in_order_unless_swapped(
    epoch: dict[str, np.ndarray], documents: Any, examples: PretrainingExamples
) -> None:
    ids = {i: parts[0].astype(int) for i, parts in enumerate(documents.parts)}
    starts = {i: set(np.flatnonzero(parts[2]).tolist()) for i, parts in enumerate(documents.parts)}
    where: dict[int, list[tuple[int, int]]] = {}
    for number, tokens in ids.items():
        for place in range(len(tokens)):
            where.setdefault(int(tokens[place]), []).append((number, place))
    covered = {number: np.zeros(len(tokens), int) for number, tokens in ids.items()}
    runs: dict[int, list[tuple[int, int]]] = {}
    pairs = total = 0
    # Longest first: a short part of a cut sentence may stand in other sentences too.
    for *_, segments, label in sorted(pieces(epoch), key=lambda piece: -sum(map(len, piece[3]))):
        a, b = (segments[::-1] if label == 1 else segments) if len(segments) == 2 else (segments[0], [])
        run = a + b
        total += 1
        pairs += bool(b)
        places = [
            (number, place)
            for number, place in where[run[0]]
            if ids[number][place : place + len(run)].tolist() == run
            and not covered[number][place : place + len(run)].any()
        ]
        number, place = places[0]
        covered[number][place : place + len(run)] += 1
        runs.setdefault(number, []).append((place, len(run)))
        if b:
            assert place + len(a) in starts[number], "B begins where no sentence does"
    assert pairs / total == pytest.approx(examples.pair_share)
    for number, tokens in ids.items():
        bounds = [*sorted(starts[number]), len(tokens)]
        for low, high in pairwise(bounds):
            assert (covered[number][low:high] == 1).all()
            inside = [(place, size) for place, size in runs[number] if low < place < high or low < place + size < high]
            assert high - low > LENGTH - 3 or not inside, "a sentence that fits a row is cut"
    assert sum(map(len, ids.values())) == sum(sum(map(len, segments)) for *_, segments, _ in pieces(epoch))


def test_a_sentence_too_long_for_a_row_is_cut_at_words_only(documents: Any, tokenizer: Any) -> None:
    rng = np.random.default_rng(0)
    tokens = np.arange(30, 430).astype(np.uint16)
    words = rng.random(400) < 0.3
    words[0] = True
    sentence_starts = np.zeros(400, np.bool_)
    sentence_starts[0] = True
    one = type(documents)([(tokens, words, sentence_starts)])
    made = PretrainingExamples(one, tokenizer, MacMasking(), 64)
    batch = made.batch(0, range(made.num_rows))
    parts = sorted(segments[0] for *_, segments, _ in pieces(batch))
    assert [token for part in parts for token in part] == tokens.tolist()
    assert all(words[part[0] - 30] for part in parts)
    assert all(len(part) <= 61 for part in parts)
    assert (batch["sop_labels"] == -100).all()


def test_half_of_the_pairs_are_swapped(examples: PretrainingExamples) -> None:
    swapped = total = 0
    for epoch in range(40):
        batch = examples.batch(epoch, range(min(examples.num_rows, 400)))
        labels = batch["sop_labels"][batch["sop_labels"] >= 0]
        swapped, total = swapped + int(labels.sum()), total + len(labels)
    assert abs(swapped / total - 0.5) < 4 * (0.25 / total) ** 0.5


def test_b_begins_at_each_inner_sentence_equally_often(documents: Any, tokenizer: Any) -> None:
    # One document of five sentences of 10 tokens: one row, one piece, four places for A|B.
    tokens = np.arange(30, 80).astype(np.uint16)
    sentence_starts = np.arange(50) % 10 == 0
    one = type(documents)([(tokens, np.ones(50, np.bool_), sentence_starts)])
    made = PretrainingExamples(one, tokenizer, MASKING, 64)
    assert (made.num_rows, made.pair_share) == (1, 1.0)
    epochs = 4000
    places = [
        len(a) if label == 0 else len(b) for e in range(epochs) for *_, (a, b), label in pieces(made.batch(e, [0]))
    ]
    for place in (10, 20, 30, 40):
        assert abs(places.count(place) / epochs - 0.25) < 4 * (0.25 * 0.75 / epochs) ** 0.5


def test_the_same_piece_is_split_and_swapped_anew_in_each_epoch(documents: Any, tokenizer: Any) -> None:
    made = PretrainingExamples(documents, tokenizer, MacMasking(), 512, seed=1)
    rows: dict[int, set[bytes]] = {}
    for epoch in range(6):
        batch = made.batch(epoch, range(made.num_rows))
        for number in range(0, made.num_rows, 10):
            rows.setdefault(made.row_index(epoch, number), set()).add(original(batch)[number].tobytes())
    repeated = [variants for variants in rows.values() if len(variants) > 1]
    assert repeated


def test_the_same_seed_epoch_and_number_give_the_same_bytes(documents: Any, tokenizer: Any) -> None:
    def digest(seed: int, epoch: int, numbers: Any) -> str:
        made = PretrainingExamples(documents, tokenizer, MacMasking(), LENGTH, seed=seed)
        batch = made.batch(epoch, numbers)
        return hashlib.sha256(b"".join(batch[name].tobytes() for name in sorted(batch))).hexdigest()

    numbers = range(50, 90)
    assert digest(1, 3, numbers) == digest(1, 3, numbers)
    assert len({digest(seed, epoch, numbers) for seed in (1, 2) for epoch in (3, 4)}) == 4


def test_a_row_is_the_same_alone_and_in_any_batch(examples: PretrainingExamples) -> None:
    together = examples.batch(1, [9, 4, 77, 4])
    for place, number in enumerate([9, 4, 77, 4]):
        alone = examples.batch(1, [number])
        assert all((alone[name][0] == together[name][place]).all() for name in alone)


def test_masks_of_another_epoch_are_others_on_the_same_row(examples: PretrainingExamples) -> None:
    rows = {}
    for epoch in (0, 1):
        batch = examples.batch(epoch, range(examples.num_rows))
        rows[epoch] = {examples.row_index(epoch, n): batch["masked_positions"][n].tolist() for n in range(200)}
    both = rows[0].keys() & rows[1].keys()
    assert both
    assert all(rows[0][row] != rows[1][row] for row in both)


def test_documents_mapped_from_files_give_the_same_rows(
    examples: PretrainingExamples, mapped_documents: Any, tokenizer: Any
) -> None:
    mapped = PretrainingExamples(mapped_documents, tokenizer, MASKING, max_length=LENGTH, seed=5)
    ours, theirs = examples.batch(1, range(0, 300, 3)), mapped.batch(1, range(0, 300, 3))
    assert all((ours[name] == theirs[name]).all() for name in ours)


def test_the_budget_is_of_the_whole_row_and_positions_list_the_labels(
    epoch: dict[str, np.ndarray], examples: PretrainingExamples
) -> None:
    most = 15 * LENGTH // 100
    assert epoch["masked_positions"].shape == (examples.num_rows, most)
    unmasked = original(epoch)
    for row in range(examples.num_rows):
        n = np.count_nonzero(~np.isin(unmasked[row], [CLS, SEP, PAD]))
        chosen = np.flatnonzero(epoch["labels"][row] != -100)
        assert 15 * n // 100 - 3 <= len(chosen) <= 15 * n // 100
        listed = epoch["masked_labels"][row] != -100
        assert epoch["masked_positions"][row][listed].tolist() == chosen.tolist()
        assert epoch["masked_labels"][row][listed].tolist() == epoch["labels"][row][chosen].tolist()
        assert not epoch["masked_positions"][row][~listed].any()


def test_statistics_count_what_the_batch_holds(examples: PretrainingExamples) -> None:
    numbers = range(100)
    batch, counts = examples.batch(7, numbers), examples.statistics(7, numbers)
    assert counts.rows == 100
    assert counts.chosen == np.count_nonzero(batch["labels"] != -100)
    special = np.isin(original(batch), [CLS, SEP, PAD])
    assert counts.tokens == np.count_nonzero(~special)


def test_shares_are_told_as_they_are(epoch: dict[str, np.ndarray], examples: PretrainingExamples) -> None:
    used = np.count_nonzero(epoch["piece_ids"])
    assert examples.tokens == used
    assert examples.padding_share == pytest.approx(1 - used / epoch["piece_ids"].size)


def test_wrong_rows_and_lengths_are_refused(documents: Any, tokenizer: Any, examples: PretrainingExamples) -> None:
    with pytest.raises(IndexError, match="of"):
        examples.batch(0, [examples.num_rows])
    with pytest.raises(UserError, match="max_length"):
        PretrainingExamples(documents, tokenizer, MacMasking(), max_length=5)
