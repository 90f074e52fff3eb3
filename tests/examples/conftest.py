"""Token documents with the lengths of real ones, and what examples need of the tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

PAD, UNK, CLS, SEP, MASK = range(5)
VOCABULARY_SIZE = 3000


@dataclass
class MemoryDocuments:
    """Documents in memory: (input_ids, word_starts, sentence_starts) each."""

    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    fingerprint: str = ""

    def __len__(self) -> int:
        return len(self.parts)

    def document(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.parts[number]

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(ids) for ids, _, _ in self.parts], np.int32)


def make_documents(rng: np.random.Generator, count: int, long_sentences: float = 0.01) -> MemoryDocuments:
    """Return documents of some 12 sentences of some 35 tokens (log-normal both, as Chinese news), words of 1 to 3."""
    parts = []
    for _ in range(count):
        sentences = np.maximum(1, rng.lognormal(2.2, 0.8, 1)).astype(int)[0]
        lengths = np.maximum(2, rng.lognormal(3.4, 0.6, sentences)).astype(int)
        lengths[rng.random(sentences) < long_sentences] *= 10
        ids = rng.integers(30, VOCABULARY_SIZE, lengths.sum()).astype(np.uint16)
        word_starts = rng.random(len(ids)) < 0.6
        sentence_starts = np.zeros(len(ids), np.bool_)
        sentence_starts[np.cumsum([0, *lengths[:-1]])] = True
        # A sentence ends with a full stop, which is a word of its own.
        stops = np.cumsum(lengths) - 1
        ids[stops] = 6
        word_starts[stops] = True
        parts.append((ids, word_starts | sentence_starts, sentence_starts))
    return MemoryDocuments(parts)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    special, symbol = np.zeros(VOCABULARY_SIZE, np.bool_), np.zeros(VOCABULARY_SIZE, np.bool_)
    special[[PAD, UNK, CLS, SEP, MASK]] = True
    symbol[5:30] = True
    return SimpleNamespace(
        vocabulary=SimpleNamespace(special_mask=special, symbol_mask=symbol),
        pad_id=PAD, unk_id=UNK, cls_id=CLS, sep_id=SEP, mask_id=MASK,
    )  # fmt: skip


@pytest.fixture(scope="session")
def documents() -> MemoryDocuments:
    return make_documents(np.random.default_rng(11), 600)


@pytest.fixture(scope="session")
def mapped_documents(documents: MemoryDocuments, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same documents in two Arrow files, as ``macbert tokenizer encode`` writes them."""
    from tokenizer.documents import TokenDocuments
    from tokenizer.token_files import TokenFileWriter

    folder: Path = tmp_path_factory.mktemp("tokens")
    files = [folder / "a.arrow", folder / "b.arrow"]
    for file, parts in zip(files, (documents.parts[:250], documents.parts[250:]), strict=True):
        with TokenFileWriter(file, VOCABULARY_SIZE) as writer:
            for ids, words, sentences in parts:
                writer.add(ids.astype(np.int32), words, sentences, 0)
    return TokenDocuments.from_files(files)
