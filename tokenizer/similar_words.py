"""The table of similar words that masking draws replacements from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from corpus.errors import UserError
from corpus.files import atomic_file
from tokenizer.word_table import flatten

TABLE_NAME, META_NAME, READABLE_NAME = "similar.safetensors", "similar.json", "similar.tsv"


class SimilarWords:
    """Candidates of each word, best first; each has as many tokens as the word, and is not the word itself.

    Attributes:
        word_ids: flat int32; word w is ``word_ids[word_offsets[w]:word_offsets[w + 1]]``.
        word_offsets: (W + 1,) int64.
        candidate_ids: flat int32 token ids of all candidates, back to back.
        candidate_offsets: (W + 1,) int64, COUNTED IN CANDIDATES: word w has candidates
            ``candidate_offsets[w]:candidate_offsets[w + 1]``.
        token_offsets: (W + 1,) int64: the tokens of word w's candidates are
            ``candidate_ids[token_offsets[w]:token_offsets[w + 1]]``.
        cosines: (candidates,) float32.
        meta: how the table was made and how good it is, as JSON values.
    """

    def __init__(
        self,
        word_ids: NDArray[np.int32],
        word_offsets: NDArray[np.int64],
        candidate_ids: NDArray[np.int32],
        candidate_offsets: NDArray[np.int64],
        cosines: NDArray[np.float32],
        words: list[str] | None = None,
        candidates: list[str] | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self.word_ids, self.word_offsets = word_ids, word_offsets
        self.candidate_ids, self.candidate_offsets = candidate_ids, candidate_offsets
        self.cosines = cosines
        self.meta = dict(meta or {})
        self._strings = (words, candidates) if words is not None and candidates is not None else None
        self._readable: Path | None = None
        self.token_offsets = np.zeros(len(word_offsets), np.int64)
        np.cumsum(np.diff(candidate_offsets) * np.diff(word_offsets), out=self.token_offsets[1:])
        assert self.token_offsets[-1] == len(candidate_ids)

    def __len__(self) -> int:
        return len(self.word_offsets) - 1

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[tuple[str, Sequence[int], Sequence[tuple[str, Sequence[int], float]]]],
        meta: Mapping[str, Any] | None = None,
    ) -> SimilarWords:
        """Return a table of rows (word, its ids, [(candidate, its ids, cosine), ...])."""
        word_ids, word_offsets = flatten([ids for _, ids, _ in rows])
        candidate_ids, _ = flatten([ids for _, _, found in rows for _, ids, _ in found])
        candidate_offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(found) for _, _, found in rows], out=candidate_offsets[1:])
        cosines = np.array([cosine for _, _, found in rows for _, _, cosine in found], np.float32)
        for word, ids, found in rows:
            for candidate, other, _ in found:
                assert len(other) == len(ids), (word, candidate)
                assert list(other) != list(ids), (word, candidate)
        return cls(
            word_ids,
            word_offsets,
            candidate_ids,
            candidate_offsets,
            cosines,
            [word for word, _, _ in rows],
            [candidate for _, _, found in rows for candidate, _, _ in found],
            meta,
        )

    @property
    def words(self) -> list[str]:
        """The words as text."""
        return self._texts[0]

    @property
    def candidate_words(self) -> list[str]:
        """All candidates as text, flat."""
        return self._texts[1]

    def candidates(self, row: int) -> NDArray[np.int32]:
        """Return the candidates of a word as token ids, (candidates, tokens), best first."""
        tokens = self.word_offsets[row + 1] - self.word_offsets[row]
        return self.candidate_ids[self.token_offsets[row] : self.token_offsets[row + 1]].reshape(-1, tokens)

    def lookup(self, word: str) -> list[tuple[str, float]]:
        """Return the candidates of a word as text with their cosines; an empty list if it has none."""
        row = self._rows.get(word)
        if row is None:
            return []
        start, end = int(self.candidate_offsets[row]), int(self.candidate_offsets[row + 1])
        return list(zip(self.candidate_words[start:end], map(float, self.cosines[start:end]), strict=True))

    @classmethod
    def load(cls, folder: str | Path) -> SimilarWords:
        """Load the table of a tokenizer folder.

        Raises:
            UserError: the folder has none, or a damaged one.
        """
        folder = Path(folder)
        path = folder / TABLE_NAME
        if not path.is_file():
            raise UserError.at(
                folder,
                expected=f"a similar-word table ({TABLE_NAME})",
                found="none",
                fix="run 'macbert tokenizer similar'",
            )
        try:
            tensors = load_file(path)
        except SafetensorError as error:
            fix = "run 'macbert tokenizer similar' again"
            raise UserError.at(path, expected="a whole table", found=str(error), fix=fix) from None
        meta = json.loads((folder / META_NAME).read_text(encoding="utf-8")) if (folder / META_NAME).is_file() else {}
        table = cls(
            tensors["word_ids"],
            tensors["word_offsets"],
            tensors["candidate_ids"],
            tensors["candidate_offsets"],
            tensors["cosines"],
            meta=meta,
        )
        table._readable = folder / READABLE_NAME
        return table

    def save(self, folder: str | Path) -> None:
        """Write the binary table, its description and the readable table (word, candidate, cosine)."""
        folder = Path(folder)
        tensors: dict[str, NDArray[Any]] = {
            "word_ids": self.word_ids,
            "word_offsets": self.word_offsets,
            "candidate_ids": self.candidate_ids,
            "candidate_offsets": self.candidate_offsets,
            "cosines": self.cosines,
        }
        save_file(tensors, folder / TABLE_NAME)
        with atomic_file(folder / META_NAME) as stream:
            json.dump(self.meta, stream, ensure_ascii=False, indent=2, sort_keys=True)
            stream.write("\n")
        counts = np.diff(self.candidate_offsets)
        with atomic_file(folder / READABLE_NAME) as stream:
            stream.write("word\tcandidate\tcosine\n")
            owners = (word for word, count in zip(self.words, counts, strict=True) for _ in range(count))
            for word, candidate, cosine in zip(owners, self.candidate_words, self.cosines, strict=True):
                stream.write(f"{word}\t{candidate}\t{cosine:.4f}\n")

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def _texts(self) -> tuple[list[str], list[str]]:
        if self._strings is not None:
            return self._strings
        assert self._readable is not None
        lines = self._readable.read_text(encoding="utf-8").split("\n")[1:-1]
        owners, candidates = [], []
        for line in lines:
            word, candidate, _ = line.split("\t")
            owners.append(word)
            candidates.append(candidate)
        if len(candidates) != self.candidate_offsets[-1]:
            raise UserError.at(
                self._readable,
                expected=f"{self.candidate_offsets[-1]} candidates, as in {TABLE_NAME}",
                found=str(len(candidates)),
                fix="build the table again; editing it changes nothing",
            )
        return [owners[start] for start in self.candidate_offsets[:-1]], candidates
