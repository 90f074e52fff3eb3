"""What masking and its inspection can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from corpus.errors import Problem, UserError
from tokenizer.config import SegmenterName

Strategy = Literal["mlm", "wwm", "wwm+ngram", "random", "mac"]

# A unit of more words than this is no n-gram any more; the counts have this many places.
MAX_NGRAM = 8

# Products such as 0.1 * 70 lie a hair above or below the whole number that is meant.
_HAIR = 1e-9


@dataclass(kw_only=True)
class MacMasking:
    """How tokens are chosen for prediction and what stands in their place; the defaults are MacBERT's.

    >>> MacMasking().budget(126), MacMasking(strategy="wwm").ngrams
    (18, (1.0,))
    """

    strategy: Strategy = "mac"
    """mlm: tokens; wwm: words; wwm+ngram: runs of words, all three hidden by [MASK]; random: runs of words replaced by
    random words; mac: runs of words replaced by similar words (MacBERT)."""

    mlm_probability: float = 0.15
    """Fraction of a row's tokens chosen for prediction, in (0, 1); rounded down to whole tokens, never exceeded."""

    ngram_probs: tuple[float, ...] = (0.4, 0.3, 0.2, 0.1)
    """Probabilities of units of 1, 2, 3 ... words; they sum to 1."""

    similar_replace_prob: float = 0.8
    """Probability that a chosen word becomes a similar word (mac); random replaces it by a random word instead."""

    mask_replace_prob: float = 0.8
    """Probability that a chosen token becomes [MASK] (mlm, wwm, wwm+ngram)."""

    random_replace_prob: float = 0.1
    """Probability that a chosen word (mac, random) or token (others) becomes a random one; the rest is kept."""

    max_fallback_fraction: float = 0.1
    """Largest part of a row's budget, rounded up, for words that become random because they have no similar word."""

    top_k: int = 10
    """Similar words of a word to draw from: the nearest so many."""

    mask_punctuation: bool = False
    """Whether words of only punctuation and symbols may be chosen, as in BERT; if not, they also end a unit."""

    def __post_init__(self) -> None:
        self.ngram_probs = tuple(self.ngram_probs)
        replaced = (self.mask_replace_prob if self.hides else self.similar_replace_prob) + self.random_replace_prob
        rules = [
            ("strategy", "mlm, wwm, wwm+ngram, random or mac", self.strategy in Strategy.__args__),  # type: ignore[attr-defined]
            ("mlm_probability", "a number in (0, 1)", 0 < self.mlm_probability < 1),
            (
                "ngram_probs",
                f"1 to {MAX_NGRAM} probabilities that sum to 1",
                1 <= len(self.ngram_probs) <= MAX_NGRAM
                and min(self.ngram_probs) >= 0
                and math.isclose(sum(self.ngram_probs), 1, abs_tol=1e-6),
            ),
            ("similar_replace_prob", "a number in [0, 1]", 0 <= self.similar_replace_prob <= 1),
            ("mask_replace_prob", "a number in [0, 1]", 0 <= self.mask_replace_prob <= 1),
            (
                "random_replace_prob",
                "a number in [0, 1], with the other replacement's at most 1",
                self.random_replace_prob >= 0 and replaced <= 1 + _HAIR,
            ),
            ("max_fallback_fraction", "a number in [0, 1]", 0 <= self.max_fallback_fraction <= 1),
            ("top_k", "at least 1", self.top_k >= 1),
        ]
        problems = [
            Problem(f"masking.{name}", expected, repr(getattr(self, name)), "change the value")
            for name, expected, holds in rules
            if not holds
        ]
        if problems:
            raise UserError(*problems)

    @property
    def hides(self) -> bool:
        """Whether [MASK] is used, drawn per token."""
        return self.strategy in ("mlm", "wwm", "wwm+ngram")

    @property
    def ngrams(self) -> tuple[float, ...]:
        """The probabilities of a unit's number of words that the strategy uses."""
        return (1.0,) if self.strategy in ("mlm", "wwm") else self.ngram_probs

    def budget(self, tokens: int) -> int:
        """Return how many of so many tokens are chosen at most."""
        return math.floor(self.mlm_probability * tokens + _HAIR)

    def fallback_cap(self, budget: int) -> int:
        """Return how many tokens of a row may become random for want of a similar word."""
        return math.ceil(self.max_fallback_fraction * budget - _HAIR)


@dataclass(kw_only=True)
class InspectConfig:
    """Settings of ``macbert tokenizer inspect``: what masking makes of a text."""

    text: str
    """Text to mask."""

    tokenizer: str
    """Tokenizer folder, vocab.txt, token documents or model folder."""

    similar: str | None = None
    """Folder with a similar-word table; default: the tokenizer folder's own, if it has one."""

    strategy: Strategy = "mac"
    """mlm, wwm, wwm+ngram, random or mac."""

    mlm_probability: float = 0.15
    """Fraction of tokens chosen, in (0, 1)."""

    segmenter: SegmenterName = "compiled"
    """Backend that cuts words."""

    seed: int = 0
    """Of the masks."""

    epoch: int = 0
    """Another epoch gives other masks of the same text."""

    model: str | None = None
    """Pretrained encoder whose guess at each chosen place is shown."""

    def __post_init__(self) -> None:
        problems = [
            Problem(f"--{name}", expected, found, "change it")
            for name, expected, found, holds in (
                ("text", "some text", "nothing", bool(self.text.strip())),
                ("tokenizer", "a path", "nothing", bool(self.tokenizer)),
                ("mlm-probability", "a number in (0, 1)", str(self.mlm_probability), 0 < self.mlm_probability < 1),
                ("seed", "0 to 2**63 - 1", str(self.seed), 0 <= self.seed < 2**63),
                ("epoch", "0 to 2**63 - 1", str(self.epoch), 0 <= self.epoch < 2**63),
            )
            if not holds
        ]
        if problems:
            raise UserError(*problems)
