"""``DataCollatorForMacBert``: whole-word, n-gram and similar-word masking of Chinese for Hugging Face's ``Trainer``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError
from macbert.masking.config import MacMasking
from macbert.masking.draws import SENTENCE_ORDER, below, draw, row_key
from macbert.masking.marks import EDGE, TEXT, WORD
from macbert.masking.rows import RowMasker, mask_keys
from macbert.masking.tables import hash_word
from macbert.masking.texts import IdMarker, cut_at_word, joined, padded, text_marks
from tokenizer import ChineseTokenizer, Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from tokenizer import Lexicon, SimilarWords

_Piece = tuple[NDArray[np.int64], NDArray[np.uint8]]


class DataCollatorForMacBert:
    """Makes a batch of raw texts or tokenized rows, one piece a row, masked by the rules of :class:`MacMasking`.

    A feature is a text, ``{"text": ...}``, or ``{"input_ids": ...}`` with or without special tokens, and with
    ``word_starts`` and ``sentence_starts`` where they are known (a row of ``macbert tokenizer encode``); where they are
    not, words are found again from the ids. For features that no model takes (texts, word starts) tell Trainer
    ``remove_unused_columns=False``.

    Args:
        tokenizer: a :class:`ChineseTokenizer`, a BERT tokenizer of transformers, or a folder or vocabulary file.
        masking: the rules; default MacBERT's.
        similar: similar words for ``mac``.
        lexicon: words for random replacement; None: random tokens.
        max_length: longest row, special tokens included; a longer text is cut at a word.
        sop: whether rows get a second segment and ``next_sentence_label`` (0 original order, 1 swapped, -100 none), as
            ``BertForPreTraining`` takes; a row that already has two segments is left as it is.
        pad_to_multiple_of: as in transformers' collators.
        seed: None draws from torch's global generator, as transformers' collators do; a number makes masks a function
            of (seed, ``epoch``, the row's ids), the same in any process; set the attribute ``epoch`` as they pass.
        segmenter: word boundaries where ``tokenizer`` is not a ChineseTokenizer.

    >>> from tokenizer import Vocabulary
    >>> vocabulary = Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"使用语言模型来预测下一个词的概率。"])
    >>> collator = DataCollatorForMacBert(ChineseTokenizer(vocabulary), MacMasking(strategy="wwm"), seed=1)
    >>> batch = collator(["使用语言模型来预测下一个词的概率。"])
    >>> tuple(batch["input_ids"].shape), int((batch["labels"] != -100).sum())
    ((1, 19), 2)
    """

    def __init__(
        self,
        tokenizer: ChineseTokenizer | PreTrainedTokenizerBase | str,
        masking: MacMasking | None = None,
        *,
        similar: SimilarWords | None = None,
        lexicon: Lexicon | None = None,
        max_length: int = 512,
        sop: bool = False,
        pad_to_multiple_of: int | None = None,
        seed: int | None = None,
        segmenter: str | Callable[[str], Iterable[str]] = "compiled",
    ) -> None:
        self.tokenizer = _chinese_tokenizer(tokenizer, segmenter)
        self.masking = masking or MacMasking()
        if self.masking.strategy == "mac" and similar is None:
            fix = "pass similar=SimilarWords.load(FOLDER), or another strategy"
            raise UserError.at("similar", expected="similar words for strategy mac", found="None", fix=fix)
        if max_length < 8:
            raise UserError.at("max_length", expected="at least 8", found=str(max_length), fix="give longer rows")
        self.max_length = max_length
        self.sop = sop
        self.pad_to_multiple_of = pad_to_multiple_of
        self.seed = seed
        self.epoch = 0
        self._masker = RowMasker(self.masking, max_length + (pad_to_multiple_of or 0), self.tokenizer, similar, lexicon)
        self._id_marker = IdMarker(self.tokenizer)
        self._outer = np.array([self.tokenizer.cls_id, self.tokenizer.sep_id, self.tokenizer.pad_id])

    def __call__(self, features: Sequence[Any]) -> dict[str, Any]:
        """Return ``input_ids``, ``token_type_ids``, ``attention_mask`` and ``labels`` as torch tensors (B, L) int64."""
        import torch

        return {name: torch.from_numpy(value) for name, value in self.numpy_batch(features).items()}

    def numpy_batch(self, features: Sequence[Any]) -> dict[str, NDArray[np.int64]]:
        """Return the same batch as numpy arrays."""
        rows = self._pieces(features)
        numbers, seed = self._numbers(rows)
        labels = []
        for place, (ids, marks) in enumerate(rows):
            rows[place], label = self._segments(ids, marks, int(numbers[place]), seed)
            labels.append(label)
        lengths = np.fromiter((len(ids) for ids, _ in rows), np.int64, len(rows))
        length = int(lengths.max(initial=0))
        if self.pad_to_multiple_of:
            length = -(-length // self.pad_to_multiple_of) * self.pad_to_multiple_of
        input_ids = padded([ids for ids, _ in rows], length, self.tokenizer.pad_id, np.int64)
        marks_BL = padded([marks for _, marks in rows], length, 0, np.uint8)
        inside = np.arange(length) < lengths[:, None]
        # The second segment begins behind the first [SEP].
        ends = input_ids == self.tokenizer.sep_id
        types = (np.cumsum(ends, axis=1) > ends) & inside
        masked = self._masker.mask(input_ids, marks_BL, mask_keys(seed, self.epoch, numbers))
        batch = {
            "input_ids": input_ids,
            "token_type_ids": types.astype(np.int64),
            "attention_mask": inside.astype(np.int64),
            "labels": masked.labels,
        }
        if self.sop:
            batch["next_sentence_label"] = np.array(labels, np.int64)
        return batch

    def _numbers(self, rows: list[_Piece]) -> tuple[NDArray[np.int64], int]:
        """Return each row's number and the seed that its draws come from."""
        if self.seed is not None:
            hashes = [int(hash_word(ids, 0, len(ids))) & (2**63 - 1) for ids, _ in rows]
            return np.array(hashes, np.int64), self.seed
        import torch

        return np.arange(len(rows)), int(torch.randint(2**62, ()))

    def _pieces(self, features: Sequence[Any]) -> list[_Piece]:
        """Return ids and marks of each feature; of texts without special tokens."""
        places = [i for i, feature in enumerate(features) if isinstance(feature, str) or "input_ids" not in feature]
        texts = [features[i] if isinstance(features[i], str) else features[i]["text"] for i in places]
        pieces: list[_Piece] = [(np.zeros(0, np.int64), np.zeros(0, np.uint8))] * len(features)
        if texts:
            encoded = self.tokenizer.encode_batch(texts)
            marks = text_marks(encoded)
            for number, place in enumerate(places):
                tokens = slice(encoded.bounds[number], encoded.bounds[number + 1])
                pieces[place] = encoded.input_ids[tokens].astype(np.int64), marks[tokens]
        rest = sorted(set(range(len(features))).difference(places))
        for place, piece in zip(rest, self._tokenized([features[place] for place in rest]), strict=True):
            pieces[place] = piece
        return pieces

    def _tokenized(self, features: Sequence[Mapping[str, Any]]) -> list[_Piece]:
        """Return ids and marks of tokenized rows, all at once: a call of numpy costs as much as a short row."""
        if not features:
            return []
        ids, lengths = self._column(features, "input_ids", np.int64)
        known_ids = len(self.tokenizer.vocab)
        if len(ids) and not (ids.min() >= 0 and ids.max() < known_ids):
            raise ValueError(f"input_ids go from {ids.min()} to {ids.max()}; the tokenizer has 0 to {known_ids - 1}")
        known = {}
        for name, bit in (("word_starts", WORD), ("sentence_starts", EDGE)):
            having = np.array([feature.get(name) is not None for feature in features])
            known[name] = bit, np.repeat(having, lengths), self._column(features, name, np.bool_)[0]
        real, _ = self._column(features, "attention_mask", np.bool_, absent=True)
        if not real.all():
            lengths = np.add.reduceat(np.append(real, False), np.append(0, np.cumsum(lengths))[:-1]) * (lengths > 0)
            ids = ids[real]
            known = {name: (bit, having[real], values[real]) for name, (bit, having, values) in known.items()}
        bounds = np.append(0, np.cumsum(lengths))
        inner = ~np.isin(ids, self._outer)
        # Runs of text between special tokens; words are found again in each where they are not known.
        begins = np.append(inner[:1], inner[1:] & ~inner[:-1])
        begins[bounds[:-1][lengths > 0]] = inner[bounds[:-1][lengths > 0]]
        marks = np.where(inner, TEXT, 0).astype(np.uint8)
        places = np.flatnonzero(inner & ~np.logical_and.reduce([having for _, having, _ in known.values()]))
        if len(places):
            marks[places] = self._id_marker.marks(ids[places], np.append(np.flatnonzero(begins[places]), len(places)))
        for bit, having, values in known.values():
            here = inner & having
            marks[here] = (marks[here] & ~np.uint8(bit)) | (values[here] * np.uint8(bit))
        return [(ids[start:end], marks[start:end]) for start, end in pairwise(bounds.tolist())]

    def _column(
        self, features: Sequence[Mapping[str, Any]], name: str, dtype: type, absent: bool = False
    ) -> tuple[NDArray, NDArray[np.int64]]:
        """Return a column of all rows, flat, and the rows' lengths; a row without it gives ``absent`` for each token.

        Raises:
            ValueError: a row's column is not as long as its ids.
        """
        lengths = [len(feature["input_ids"]) for feature in features]
        rows = [feature.get(name) for feature in features]
        for number, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            if row is None:
                rows[number] = [absent] * length
            elif len(row) != length:
                raise ValueError(f"row {number} of the batch: {name} has {len(row)} entries for {length} input_ids")
        return joined(rows, dtype), np.array(lengths, np.int64)

    def _segments(self, ids: NDArray[np.int64], marks: NDArray[np.uint8], number: int, seed: int) -> tuple[_Piece, int]:
        """Return the row with special tokens and its sentence-order label."""
        cls, sep, _ = self._outer
        if len(ids) and ids[0] == cls:  # it has them
            return (ids[: self.max_length], marks[: self.max_length]), -100
        end = cut_at_word(marks, self.max_length - (3 if self.sop else 2))
        ids, marks = ids[:end], marks[:end]
        inner = np.flatnonzero(marks[1:] & EDGE) + 1
        parts, label = [(ids, marks)], -100
        if self.sop and len(inner):
            # Compiled functions return 64 bits to Python as a whole number, and take it for a signed one.
            key = np.uint64(row_key(seed, self.epoch, number, SENTENCE_ORDER))
            split = int(inner[below(np.uint64(draw(key, 0)), len(inner))])
            parts = [(ids[:split], marks[:split]), (ids[split:], marks[split:])]
            label = draw(key, 1) >> 63
            parts = parts[::-1] if label else parts
        none = np.zeros(1, np.uint8)
        row_ids, row_marks = [np.array([cls])], [none]
        for part_ids, part_marks in parts:
            row_ids += [part_ids, np.array([sep])]
            row_marks += [part_marks, none]
        return (np.concatenate(row_ids), np.concatenate(row_marks)), label


def _chinese_tokenizer(tokenizer: Any, segmenter: str | Callable[[str], Iterable[str]]) -> ChineseTokenizer:
    if isinstance(tokenizer, ChineseTokenizer):
        return tokenizer
    if not hasattr(tokenizer, "get_vocab"):
        return ChineseTokenizer.from_pretrained(tokenizer, segmenter=segmenter)
    ids = tokenizer.get_vocab()
    tokens = sorted(ids, key=ids.__getitem__)
    settings = tokenizer.init_kwargs
    lowercase = settings.get("do_lower_case", getattr(tokenizer, "do_lower_case", True))
    strip_accents = settings.get("strip_accents")
    return ChineseTokenizer(
        Vocabulary(tokens), lowercase=bool(lowercase), strip_accents=strip_accents, segmenter=segmenter
    )
