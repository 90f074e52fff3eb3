"""``macbert tokenizer inspect``: the words, units, choices and replacements that masking makes of a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError
from macbert.masking.config import InspectConfig, MacMasking
from macbert.masking.inspection import OUTCOMES, InspectedWord, Inspection
from macbert.masking.marks import EDGE, WORD
from macbert.masking.replacing import SIMILAR
from macbert.masking.rows import MaskedRows, RowMasker, mask_keys
from macbert.masking.texts import cut_at_word, text_marks
from tokenizer import ChineseTokenizer, Lexicon, SimilarWords

if TYPE_CHECKING:
    from macbert.modeling.loading import PretrainingModel

# A row of a usual encoder; a longer text is cut into several, at words.
ROW_LENGTH = 512

Progress = Callable[[str, int, int | None], None]


def inspect_text(config: InspectConfig, progress: Progress | None = None) -> Inspection:
    """Mask a text as pretraining would mask a row of it, and say what became of each word.

    Raises:
        UserError: no tokenizer there; strategy ``mac`` without a table of similar words; a model of another vocabulary.
    """
    return Inspector(config).inspect(config, progress)


class Inspector:
    """Tokenizer, similar words, lexicon and model, loaded once for many texts.

    Args:
        config: where they are; its text, strategy and seeds do not matter, but ``mac`` loads the similar words.

    Raises:
        UserError: no tokenizer there; strategy ``mac`` without a table of similar words; a model of another vocabulary.
    """

    def __init__(self, config: InspectConfig) -> None:
        folder = tokenizer_folder(config.tokenizer)
        self.tokenizer = ChineseTokenizer.from_pretrained(folder, segmenter=config.segmenter)
        self.similar = _similar_words(config, folder)
        self.lexicon = Lexicon.load(folder, self.tokenizer) if (folder / "lexicon.tsv").is_file() else None
        self.model = _model(config.model, self.tokenizer) if config.model else None

    def inspect(self, config: InspectConfig, progress: Progress | None = None) -> Inspection:
        """Mask the configuration's text by its strategy and seeds, and say what became of each word.

        Raises:
            UserError: a text without tokens, or one row of it is too long for the model.
        """
        tokenizer, similar, model = self.tokenizer, self.similar, self.model
        masking = MacMasking(strategy=config.strategy, mlm_probability=config.mlm_probability)
        masker = RowMasker(masking, ROW_LENGTH, tokenizer, similar, self.lexicon)
        encoded = tokenizer.encode_batch([config.text])
        ids, offsets, marks = encoded.input_ids.astype(np.int64), encoded.offsets, text_marks(encoded)
        if not len(ids):
            raise UserError.at("--text", expected="a text with tokens", found="none", fix="give another text")
        words: list[InspectedWord] = []
        counts = None
        first = row = 0
        while first < len(ids):
            end = first + cut_at_word(marks[first:], ROW_LENGTH - 2)
            row_ids, row_marks = (np.zeros((1, end - first + 2), dtype) for dtype in (np.int64, np.uint8))
            row_ids[0] = [tokenizer.cls_id, *ids[first:end], tokenizer.sep_id]
            row_marks[0, 1:-1] = marks[first:end]
            masked = masker.mask(row_ids, row_marks, mask_keys(config.seed, config.epoch, np.array([row])), trace=True)
            guesses = _restore(model, row_ids) if model is not None else None
            after = row_ids[0, 1:-1]
            tokens = _Tokens(ids[first:end], after, offsets[first:end], marks[first:end], masked, guesses, row)
            words += _words(tokens, config.text, tokenizer, similar, masking.top_k)
            counts = masked.counts if counts is None else counts + masked.counts
            first, row = end, row + 1
            if progress is not None and len(ids) > ROW_LENGTH:
                progress("tokens", end, len(ids))
        assert counts is not None
        return Inspection(config.text, config.strategy, config.seed, config.epoch, words, counts)


class _Tokens:
    """One row's tokens without [CLS] and [SEP], before and after."""

    def __init__(
        self,
        before: NDArray[np.int64],
        after: NDArray[np.int64],
        offsets: NDArray[np.int32],
        marks: NDArray[np.uint8],
        masked: MaskedRows,
        guesses: NDArray[np.int64] | None,
        row: int,
    ) -> None:
        self.before, self.after, self.offsets, self.marks, self.row = before, after, offsets, marks, row
        self.outcome, self.unit, self.drawn_n = masked.trace[0, 1:-1].T
        self.guesses = guesses[1:-1] if guesses is not None else None


def _words(
    tokens: _Tokens, text: str, tokenizer: ChineseTokenizer, similar: SimilarWords | None, top_k: int
) -> list[InspectedWord]:
    starts = np.flatnonzero((tokens.marks & (WORD | EDGE)) > 0)
    words = []
    for low, high in zip(starts.tolist(), [*starts[1:].tolist(), len(tokens.marks)], strict=True):
        start, end = int(tokens.offsets[low, 0]), int(tokens.offsets[high - 1, 1])
        outcomes = [OUTCOMES[outcome] for outcome in tokens.outcome[low:high].tolist()]
        after = tokens.after[low:high].tolist()
        word = InspectedWord(
            text=text[start:end],
            start=start,
            end=end,
            tokens=[tokenizer.vocab[i] for i in tokens.before[low:high].tolist()],
            unit=int(tokens.unit[low]) or None,
            drawn_n=int(tokens.drawn_n[low]) or None,
            outcomes=outcomes,
            replacement=[tokenizer.vocab[i] for i in after],
            new_text=tokenizer.decode_word(after),
            row=tokens.row,
        )
        if similar is not None and OUTCOMES[SIMILAR] in outcomes:
            found = similar.lookup(tokenizer.decode_word(tokens.before[low:high].tolist()))
            word.similar = [(other, round(cosine, 4)) for other, cosine in found[:top_k]]
        if tokens.guesses is not None and word.chosen:
            word.restored = [tokenizer.vocab[i] for i in tokens.guesses[low:high].tolist()]
        words.append(word)
    return words


def tokenizer_folder(path: str) -> Path:
    """Return where the tokenizer's files are: token documents keep a copy of theirs inside."""
    folder = Path(path)
    return folder / "tokenizer" if (folder / "tokenizer").is_dir() else folder


def _similar_words(config: InspectConfig, folder: Path) -> SimilarWords | None:
    if config.strategy != "mac":
        return None
    if config.similar:
        return SimilarWords.load(tokenizer_folder(config.similar))
    if not (folder / "similar.safetensors").is_file():
        fix = "build it with macbert tokenizer similar and name its folder with --similar, or try --strategy random"
        raise UserError.at(folder, expected="a similar-word table for strategy mac", found="none", fix=fix)
    return SimilarWords.load(folder)


def _model(name: str, tokenizer: ChineseTokenizer) -> PretrainingModel:
    from macbert.modeling.loading import load_model

    model = load_model(name).model.eval()
    if model.config.vocab_size != tokenizer.vocab_size:
        found = f"{model.config.vocab_size} in {name}"
        fix = "give the model's own folder as --tokenizer"
        raise UserError.at("--model", expected=f"{tokenizer.vocab_size} vocabulary entries", found=found, fix=fix)
    return model


def _restore(model: PretrainingModel, row_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the model's first guess at every position of a row, (L,)."""
    import torch

    if row_ids.shape[1] > model.config.max_position_embeddings:
        found, fix = f"{row_ids.shape[1]} tokens", "give a shorter text"
        expected = f"at most {model.config.max_position_embeddings} tokens for this model"
        raise UserError.at("--text", expected=expected, found=found, fix=fix)
    row = torch.from_numpy(row_ids)
    with torch.inference_mode():
        logits = model(row, masked_positions=torch.arange(row.shape[1])[None]).masked_logits
    return logits[0].argmax(dim=-1).numpy()
