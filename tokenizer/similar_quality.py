"""How good a table of similar words is: how often a candidate is a synonym by a thesaurus, against chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tokenizer.lexicon import Lexicon
from tokenizer.similar_words import SimilarWords

# Words of about the same frequency: the baseline draws among so many neighbours by rank.
NEIGHBOURS = 200


@dataclass(frozen=True)
class Agreement:
    """Share of (word, candidate) pairs that a thesaurus puts into one class."""

    pairs: int
    """Pairs of which the thesaurus knows both words, at most ``sample``."""

    agree: float
    """Share of them in one class."""

    by_chance: float
    """The same for random words of the same number of tokens and about the same frequency."""

    @property
    def ratio(self) -> float:
        """Agreement over chance; infinite where chance never agrees."""
        return self.agree / self.by_chance if self.by_chance else float("inf")


def agreement(
    table: SimilarWords, lexicon: Lexicon, classes: list[list[str]], *, seed: int = 0, sample: int = 200_000
) -> Agreement:
    """Compare a table with a thesaurus's classes of synonyms.

    Args:
        table: the similar words.
        lexicon: words by frequency, from which chance draws.
        classes: words of one meaning; a word may be in several.
        seed: of the sample and of the random words.
        sample: pairs looked at.
    """
    homes: dict[str, set[int]] = {}
    for number, words in enumerate(classes):
        for word in words:
            homes.setdefault(word, set()).add(number)
    rank = {word: place for place, word in enumerate(lexicon.words)}
    lengths = np.diff(lexicon.offsets)
    known = np.array([word in homes for word in lexicon.words], np.bool_)
    groups = {int(length): np.flatnonzero(known & (lengths == length)) for length in np.unique(lengths)}
    pairs = [
        (word, candidate)
        for word in table.words
        if word in homes
        for candidate, _ in table.lookup(word)
        if candidate in homes and candidate in rank
    ]
    rng = np.random.default_rng(seed)
    if len(pairs) > sample:
        pairs = [pairs[place] for place in np.sort(rng.choice(len(pairs), sample, replace=False))]
    agree = chance = 0
    for word, candidate in pairs:
        agree += bool(homes[word] & homes[candidate])
        group = groups[int(lengths[rank[candidate]])]
        middle = int(np.searchsorted(group, rank[candidate]))
        low, high = max(0, middle - NEIGHBOURS // 2), min(len(group), middle + NEIGHBOURS // 2)
        other = lexicon.words[group[int(rng.integers(low, high))]]
        chance += other != word and bool(homes[word] & homes[other])
    count = max(1, len(pairs))
    return Agreement(len(pairs), agree / count, chance / count)
