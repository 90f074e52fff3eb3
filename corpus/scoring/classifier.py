"""Logistic regression over hashed character n-grams, compiled: a few seconds to train, nothing to download."""

# F = 2^18 features, n = documents.

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.compiling import njit
from corpus.dedup.minhash import _shingles, code_points
from corpus.errors import UserError

FEATURES = 1 << 18
NGRAMS = (1, 2, 3)
_MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class TextClassifier:
    """Gives a text's probability of the positive class.

    >>> texts = ["今天天气很好，我们去公园散步。"] * 8 + ["加微信领红包，点击链接免费送！"] * 8
    >>> model = TextClassifier.train(texts, [0] * 8 + [1] * 8, seed=0)
    >>> model.probability("点击领红包") > 0.5 > model.probability("我们去公园")
    True
    """

    weights: np.ndarray
    """(F + 1,) float32, the last one the bias."""

    @classmethod
    def train(cls, texts: Sequence[str], labels: Sequence[int], *, epochs: int = 5, seed: int = 0) -> TextClassifier:
        """Train by AdaGrad (Duchi et al. 2011), texts in an order drawn from ``seed``: same input, same bits."""
        vectors = [text_features(text) for text in texts]
        weights = np.zeros(FEATURES + 1, dtype=np.float64)
        squares = np.full(FEATURES + 1, 1e-8)
        rng = np.random.Generator(np.random.PCG64(seed))
        positive = max(1, sum(labels))
        balance = (len(labels) / (2 * max(1, len(labels) - positive)), len(labels) / (2 * positive))
        for _ in range(epochs):
            for number in rng.permutation(len(texts)):
                places, values = vectors[number]
                label = labels[number]
                _step(weights, squares, places, values, label, balance[label])
        return cls(weights.astype(np.float32))

    def probability(self, text: str) -> float:
        """Return the probability that a text belongs to the positive class, 0 to 1."""
        places, values = text_features(text)
        return float(1 / (1 + np.exp(-(self.weights[places] @ values + self.weights[FEATURES]))))

    def save(self, folder: Path) -> None:
        """Write ``weights.npy`` and ``classifier.json`` into a folder."""
        # Into memory first: numpy's own writing names no cause when the disk is full.
        array = io.BytesIO()
        np.save(array, self.weights, allow_pickle=False)
        (folder / "weights.npy").write_bytes(array.getbuffer())
        (folder / "classifier.json").write_text(json.dumps({"features": FEATURES, "ngrams": NGRAMS}), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> TextClassifier:
        """Read a classifier that :meth:`save` wrote.

        Raises:
            UserError: there is none, or one made for other features.
        """
        folder = Path(folder)
        try:
            settings = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
            weights = np.load(folder / "weights.npy", allow_pickle=False)
        except (OSError, ValueError):
            fix = "make one with 'macbert corpus score train'"
            raise UserError.at(folder, expected="a trained classifier", found="none", fix=fix) from None
        if settings != {"features": FEATURES, "ngrams": list(NGRAMS)} or weights.shape != (FEATURES + 1,):
            fix = "train it again with this version"
            raise UserError.at(folder, expected=f"{FEATURES} features", found="another classifier", fix=fix)
        return cls(weights)


def text_features(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (places int64, values float32): hashed n-grams, log counts, unit length."""
    codes = code_points(text[:_MAX_CHARACTERS])
    hashes = np.concatenate([_shingles(codes, size) ^ np.uint32(size * 0x9E3779B1 & 0xFFFFFFFF) for size in NGRAMS])
    places, counts = np.unique(hashes % FEATURES, return_counts=True)
    values = np.log1p(counts)
    return places.astype(np.int64), (values / np.sqrt(values @ values)).astype(np.float32)


@njit()
def _step(
    weights: np.ndarray, squares: np.ndarray, places: np.ndarray, values: np.ndarray, label: int, importance: float
) -> None:
    bias = weights.size - 1
    score = weights[bias]
    for i in range(places.size):
        score += weights[places[i]] * values[i]
    error = importance * (1 / (1 + np.exp(-score)) - label)
    for i in range(places.size):
        gradient = error * values[i] + 1e-6 * weights[places[i]]
        squares[places[i]] += gradient * gradient
        weights[places[i]] -= 0.5 * gradient / np.sqrt(squares[places[i]])
    squares[bias] += error * error
    weights[bias] -= 0.5 * error / np.sqrt(squares[bias])
