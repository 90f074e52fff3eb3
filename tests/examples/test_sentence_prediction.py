"""What [CLS] learns: the order of two segments, whether the second is the next, or nothing; by a slow reference."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from corpus.errors import UserError
from macbert.examples import PretrainingExamples
from macbert.masking import MacMasking
from macbert.masking.draws import SENTENCE_ORDER, draw, row_key

PAD, UNK, CLS, SEP, MASK = range(5)
LENGTH, SEED, PLACES = 96, 5, 32
MASKING = MacMasking(strategy="random")


def make(documents: Any, tokenizer: Any, prediction: str, seed: int = SEED) -> PretrainingExamples:
    return PretrainingExamples(documents, tokenizer, MASKING, LENGTH, seed, sentence_prediction=prediction)


@dataclass(frozen=True)
class Piece:
    """Tokens ``start:end`` of a document."""

    document: int
    start: int
    end: int


@dataclass(frozen=True)
class Pair:
    """What a piece is laid out as."""

    piece: Piece
    first: Piece
    second: Piece | None
    label: int


class Reference:
    """Next sentence prediction with lists, from docs/masking.md, section 2."""

    def __init__(self, documents: Any, examples: PretrainingExamples) -> None:
        self.documents = documents.parts
        self.starts = [np.flatnonzero(marks).tolist() for _, _, marks in self.documents]
        # Chunks are the files of the fixture: 250 documents, and the rest.
        ends = [
            np.cumsum([0, *(len(ids) for ids, _, _ in part)]) for part in (documents.parts[:250], documents.parts[250:])
        ]
        self.pieces = []
        for chunk, start, tokens in examples._index.pieces.tolist():
            inside = int(np.searchsorted(ends[chunk], start, "right")) - 1
            start -= int(ends[chunk][inside])
            self.pieces.append(Piece(inside + 250 * chunk, start, start + tokens))
        self.row_pieces = examples._index.row_pieces.tolist()

    def row(self, row: int, epoch: int) -> list[Pair]:
        return [self.pair(number, epoch) for number in range(*self.row_pieces[row : row + 2])]

    def pair(self, number: int, epoch: int) -> Pair:
        piece = self.pieces[number]
        inner = [place for place in self.starts[piece.document] if piece.start < place < piece.end]
        if not inner:
            return Pair(piece, piece, None, -100)
        key = int(row_key(SEED, epoch, number, SENTENCE_ORDER))
        split = inner[self.below(key, 0, len(inner))]
        first, second = Piece(piece.document, piece.start, split), Piece(piece.document, split, piece.end)
        other = self.other(key, piece, piece.end - split)
        if other is None:
            return Pair(piece, first, second, -100)
        elsewhere = int(draw(np.uint64(key), 1)) >> 63
        return Pair(piece, first, other if elsewhere else second, elsewhere)

    def other(self, key: int, piece: Piece, room: int) -> Piece | None:
        best = None
        for place in range(PLACES):
            drawn = self.pieces[self.below(key, 2 + 2 * place, len(self.pieces))]
            begins = [start for start in self.starts[drawn.document] if drawn.start <= start < drawn.end]
            if drawn.document == piece.document or not begins:
                continue
            begin = begins[self.below(key, 3 + 2 * place, len(begins))]
            ends = [end for end in (*begins, drawn.end) if begin < end <= begin + room]
            if ends and (best is None or ends[-1] - begin > best.end - best.start):
                best = Piece(drawn.document, begin, ends[-1])
            if best is not None and best.end - best.start == room:
                break
        return best

    @staticmethod
    def below(key: int, counter: int, bound: int) -> int:
        return (int(draw(np.uint64(key), counter)) >> 32) * bound >> 32

    def tokens(self, piece: Piece) -> list[int]:
        return self.documents[piece.document][0][piece.start : piece.end].tolist()


@pytest.fixture(scope="module")
def examples(mapped_documents: Any, tokenizer: Any) -> PretrainingExamples:
    return make(mapped_documents, tokenizer, "nsp")


@pytest.fixture(scope="module")
def reference(documents: Any, examples: PretrainingExamples) -> Reference:
    return Reference(documents, examples)


@pytest.fixture(scope="module")
def pairs(reference: Reference, examples: PretrainingExamples) -> list[Pair]:
    """Every pair of three epochs."""
    rows = range(examples.num_rows)
    found = [pair for epoch in range(3) for row in rows for pair in reference.row(row, epoch)]
    return [pair for pair in found if pair.second is not None]


def unmasked(batch: dict[str, np.ndarray]) -> np.ndarray:
    return np.where(batch["labels"] != -100, batch["labels"], batch["input_ids"])


def test_the_kernel_agrees_with_the_reference_on_every_row(reference: Reference, examples: PretrainingExamples) -> None:
    for epoch in (0, 1):
        numbers = range(0, examples.num_rows, 2)
        batch = examples.batch(epoch, numbers)
        ids = unmasked(batch)
        for place, number in enumerate(numbers):
            pairs = reference.row(examples.row_index(epoch, number), epoch)
            expected, types, pieces, positions, begins = [], [], [], [], []
            for count, pair in enumerate(pairs, 1):
                begins.append(len(expected))
                one = [CLS, *reference.tokens(pair.first), SEP]
                two = [] if pair.second is None else [*reference.tokens(pair.second), SEP]
                expected += one + two
                types += [0] * len(one) + [1] * len(two)
                pieces += [count] * len(one + two)
                positions += range(len(one + two))
            rest = LENGTH - len(expected)
            assert ids[place].tolist() == expected + [PAD] * rest
            assert batch["token_type_ids"][place].tolist() == types + [0] * rest
            assert batch["piece_ids"][place].tolist() == pieces + [0] * rest
            assert batch["position_ids"][place].tolist() == positions + [0] * rest
            unused = examples.most_pieces - len(pairs)
            assert batch["cls_positions"][place].tolist() == begins + [0] * unused
            assert batch["sop_labels"][place].tolist() == [pair.label for pair in pairs] + [-100] * unused
            assert (batch["labels"][place, len(expected) :] == -100).all()


def test_half_of_the_second_segments_are_whole_sentences_of_another_document(
    reference: Reference, pairs: list[Pair]
) -> None:
    kinds = Counter(pair.label for pair in pairs)
    total = kinds[0] + kinds[1]
    assert abs(kinds[1] / total - 0.5) < 4 * (0.25 / total) ** 0.5
    for pair in pairs:
        second = pair.second
        assert second is not None
        if pair.label == 1:
            assert second.document != pair.piece.document
            assert second.end - second.start <= pair.piece.end - pair.first.end
            assert second.start in reference.starts[second.document]
            ends = {
                *reference.starts[second.document],
                *(p.end for p in reference.pieces if p.document == second.document),
            }
            assert second.end in ends
        else:
            assert (second.document, second.start) == (pair.piece.document, pair.first.end)


def test_lengths_do_not_tell_where_a_second_segment_is_from(pairs: list[Pair]) -> None:
    """The best rule on the second segment's length, found on half of the pairs, is better than a coin on the others
    by 3 points at most: what is left of the room, a few tokens, is all that lengths can tell."""
    told = [(pair.second.end - pair.second.start, pair.label) for pair in pairs if pair.second and pair.label >= 0]
    seen, kept = told[::2], told[1::2]
    votes: dict[int, Counter[int]] = {}
    for length, label in seen:
        votes.setdefault(length // 4, Counter())[label] += 1
    right = [votes.get(length // 4, Counter([0])).most_common(1)[0][0] == label for length, label in kept]
    assert abs(np.mean(right) - 0.5) < 0.03 + 4 * (0.25 / len(kept)) ** 0.5


def test_a_pair_that_no_other_document_can_fill_has_no_label(documents: Any, tokenizer: Any) -> None:
    alone = make(type(documents)(documents.parts[:1]), tokenizer, "nsp")
    batch = alone.batch(0, range(alone.num_rows))
    assert (batch["token_type_ids"] == 1).any()
    assert (batch["sop_labels"] == -100).all()


def test_a_row_is_the_same_alone_and_in_any_batch(
    examples: PretrainingExamples, documents: Any, tokenizer: Any
) -> None:
    together = examples.batch(1, [9, 4, 77, 4])
    in_memory = make(documents, tokenizer, "nsp").batch(1, [9, 4, 77, 4])
    for place, number in enumerate([9, 4, 77, 4]):
        alone = examples.batch(1, [number])
        assert all((alone[name][0] == together[name][place]).all() for name in alone)
    # The same pieces in one chunk instead of two.
    assert all((in_memory[name] == together[name]).all() for name in together)


def test_another_epoch_draws_other_second_segments(reference: Reference) -> None:
    two = [(reference.pair(number, 0), reference.pair(number, 1)) for number in range(200)]
    others = [(a.second, b.second) for a, b in two if a.label == b.label == 1]
    assert len(others) > 10
    assert all(a != b for a, b in others)


def test_without_a_prediction_segments_stand_in_order_and_have_no_label(mapped_documents: Any, tokenizer: Any) -> None:
    none, sop = (make(mapped_documents, tokenizer, kind) for kind in ("none", "sop"))
    ours, theirs = (made.batch(3, range(made.num_rows)) for made in (none, sop))
    assert (ours["sop_labels"] == -100).all()
    for name in ("piece_ids", "position_ids", "cls_positions"):
        assert (ours[name] == theirs[name]).all()
    unchanged = ~((theirs["sop_labels"] == 1).any(axis=1))
    assert unchanged.any()
    for name in ("input_ids", "token_type_ids", "labels"):
        assert (ours[name][unchanged] == theirs[name][unchanged]).all()
    changed = unmasked(ours)[~unchanged] != unmasked(theirs)[~unchanged]
    assert changed.any(axis=1).mean() > 0.95  # two equal segments would be no change


def test_an_unknown_prediction_is_refused(documents: Any, tokenizer: Any) -> None:
    with pytest.raises(UserError, match="expected one of sop, nsp, none"):
        make(documents, tokenizer, "sentence")
