"""Rows of token documents, masked: what pretraining trains on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError
from macbert.examples.layout import SENTENCE_PREDICTIONS, SPARE_SLOTS, SpecialIds, locate
from macbert.examples.making import RowRecipe, make_rows
from macbert.examples.order import order_rows
from macbert.examples.packing import OPEN_DOCUMENTS, PAIR_SPECIALS, SINGLE_SPECIALS, pack
from macbert.examples.reading import TokenSource
from macbert.examples.sentences import cut_sentences
from macbert.masking.config import MacMasking
from macbert.masking.counts import SIZE, MaskingCounts
from macbert.masking.rules import masking_rules
from macbert.masking.tables import masking_tables

if TYPE_CHECKING:
    from tokenizer import ChineseTokenizer, Lexicon, SimilarWords, TokenDocuments

SHORTEST_ROW = 8


class PretrainingExamples:
    """Rows of ``max_length`` slots: pieces of whole sentences, each ``[CLS] A [SEP] B [SEP]``, masked when asked for.

    Order, second segments and masks are pure functions of (seed, epoch, number): any row of any epoch is made at any
    time, in any process, without those before it.

    Args:
        documents: the token documents; they are read in place.
        tokenizer: whose ids they have.
        masking: how tokens are chosen and replaced.
        max_length: L, slots of a row.
        seed: of order, second segments and masks; which sentences share a row does not depend on it.
        similar: similar words for ``mac``.
        lexicon: words for random replacement.
        open_documents: documents considered at a time when packing.
        sentence_prediction: what a piece's label tells: ``sop``, whether A and B changed places; ``nsp``, whether B is
            from another document; ``none``, nothing: A and B stand in order, without a label.

    Attributes:
        num_rows: rows of one epoch.
        tokens: slots of all rows that are not padding.
        padding_share: the rest, as a part of all slots.
        pair_share: pieces with a sentence pair, as a part of all pieces.
        most_pieces: P, the most pieces of any row.
    """

    def __init__(
        self,
        documents: TokenDocuments,
        tokenizer: ChineseTokenizer,
        masking: MacMasking,
        max_length: int = 128,
        seed: int = 0,
        similar: SimilarWords | None = None,
        lexicon: Lexicon | None = None,
        open_documents: int = OPEN_DOCUMENTS,
        sentence_prediction: str = "sop",
    ) -> None:
        if max_length < SHORTEST_ROW:
            fix = "give longer rows"
            raise UserError.at("max_length", expected=f"at least {SHORTEST_ROW}", found=str(max_length), fix=fix)
        if sentence_prediction not in SENTENCE_PREDICTIONS:
            expected = f"one of {', '.join(SENTENCE_PREDICTIONS)}"
            raise UserError.at("sentence_prediction", expected=expected, found=sentence_prediction, fix="choose one")
        self.max_length = max_length
        self.seed = seed
        self._prediction = SENTENCE_PREDICTIONS.index(sentence_prediction)
        self._special = SpecialIds(tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id)
        self._rules = masking_rules(masking, max_length, tokenizer.mask_id)
        self._most_chosen = int(self._rules.budgets[max_length])
        self._tables = masking_tables(tokenizer, similar, lexicon)
        self._source = TokenSource(documents)
        self._build_index(open_documents)

    @property
    def _recipe(self) -> RowRecipe:
        return RowRecipe(
            self._source.table, self._index, self._special, self._rules, self._tables, self._prediction, self.seed,
            self.max_length,
        )  # fmt: skip

    def _build_index(self, open_documents: int) -> None:
        table = self._source.table
        document_items, items = cut_sentences(table, self.max_length - PAIR_SPECIALS)
        packed = pack(document_items, items, self.max_length, open_documents)
        self._index = locate(table, packed)
        pieces, pairs = len(packed.piece_tokens), int(packed.piece_pairs.sum())
        self.num_rows = len(packed.row_pieces) - 1
        self.tokens = int(packed.piece_tokens.sum(dtype=np.int64))
        self.tokens += PAIR_SPECIALS * pairs + SINGLE_SPECIALS * (pieces - pairs)
        self.padding_share = 1 - self.tokens / max(1, self.num_rows * self.max_length)
        self.pair_share = pairs / max(1, pieces)
        self.most_pieces = int(np.diff(packed.row_pieces).max(initial=1))

    def __len__(self) -> int:
        return self.num_rows

    def row_index(self, epoch: int, number: int) -> int:
        """Return the row at a place of an epoch's order; places 0 to num_rows - 1 give every row once."""
        return int(order_rows(self.seed, epoch, self._places([number]), self.num_rows)[0])

    def batch(self, epoch: int, numbers: Sequence[int]) -> dict[str, NDArray]:
        """Return the rows at some places of an epoch's order, masked; int64 arrays with B = len(numbers).

        Args:
            epoch: another epoch has another order, other second segments and other masks.
            numbers: places in the order, each in ``range(num_rows)``.

        Returns:
            input_ids, token_type_ids: (B, L). position_ids: (B, L), from 0 in each piece. piece_ids: (B, L), 1, 2, ...
            and 0 for padding. labels: (B, L), -100 where not chosen. masked_positions, masked_labels: (B, K) with
            K = floor(mlm_probability * L), the chosen places in order and their labels, padded with 0 and -100.
            cls_positions: (B, P), padded with 0. sop_labels: (B, P), 0 original order, 1 swapped (``nsp``: 0 next,
            1 from another document, as in BERT), -100 no pair.
        """
        return self._batch(epoch, numbers)[0]

    def statistics(self, epoch: int, numbers: Sequence[int]) -> MaskingCounts:
        """Return what masking does to these rows, counted."""
        return MaskingCounts.from_array(self._batch(epoch, numbers)[1])

    def _places(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        if isinstance(numbers, range):  # a tenth of the time that numpy takes to read it number by number
            places = np.arange(numbers.start, numbers.stop, numbers.step, dtype=np.int64)
            ends = sorted((numbers[0], numbers[-1])) if numbers else [0, -1]
        else:
            places = np.asarray(numbers, np.int64)
            ends = [places.min(), places.max()] if len(places) else [0, -1]
        if not (ends[0] >= 0 and ends[1] < self.num_rows):
            raise IndexError(f"rows {ends[0]} to {ends[1]} of {self.num_rows}")
        return places

    def _batch(self, epoch: int, numbers: Sequence[int]) -> tuple[dict[str, NDArray], NDArray[np.int64]]:
        """Return a batch and the kernel's counts."""
        places = self._places(numbers)
        rows, slots = len(places), len(places) * self.max_length
        # One piece of memory for most of it: arrays allocated one by one are small enough for the C library to give
        # each back to the system when it is freed, and to fetch it again, page by page, for the next batch.
        tokens = np.empty((len(_BY_TOKEN), slots + SPARE_SLOTS), np.int64)
        pieces = np.empty((len(_BY_PIECE), rows, self.most_pieces), np.int64)
        chosen = np.empty((len(_BY_CHOSEN), rows, self._most_chosen), np.int64)
        counts = np.zeros(SIZE, np.int64)
        make_rows(self._recipe, epoch, places, tokens, np.empty(slots + SPARE_SLOTS, np.uint8), pieces, chosen, counts)
        by_token = tokens[:, :slots].reshape(len(_BY_TOKEN), rows, self.max_length)
        return dict(zip(_NAMES, (*by_token, *pieces, *chosen), strict=True)), counts


_BY_TOKEN = ("input_ids", "token_type_ids", "position_ids", "piece_ids", "labels")
_BY_PIECE = ("cls_positions", "sop_labels")
_BY_CHOSEN = ("masked_positions", "masked_labels")
_NAMES = (*_BY_TOKEN, *_BY_PIECE, *_BY_CHOSEN)
