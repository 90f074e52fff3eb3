"""WordPiece for plain letters and digits as a table of steps: no dictionary of strings is asked."""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray

from tokenizer.vocabulary import Vocabulary

# WordPiece's limit for a word (tokenizers: max_input_chars_per_word); longer ones are one [UNK].
MAX_RUN_CHARACTERS = 100

WORD_ROOT, CONTINUED_ROOT = 0, 1


class AsciiPieces:
    """The vocabulary's ASCII pieces as a trie in dense arrays.

    Attributes:
        columns: (128,) int8: the column of a character in ``steps``, -1 for other characters than letters and digits;
            for an uncased model capitals have the column of the small letter.
        steps: (nodes, columns) int32: the next node, -1 for none; node 0 begins a word, node 1 continues one.
        tokens: (nodes,) int32: the token that ends at a node, -1 for none.
    """

    def __init__(self, vocabulary: Vocabulary, lowercase: bool) -> None:
        letters = string.digits + string.ascii_lowercase + ("" if lowercase else string.ascii_uppercase)
        self.columns = np.full(128, -1, np.int8)
        self.columns[[*map(ord, letters)]] = np.arange(len(letters))
        if lowercase:
            self.columns[[*map(ord, string.ascii_uppercase)]] = self.columns[[*map(ord, string.ascii_lowercase)]]
        places = {letter: place for place, letter in enumerate(letters)}
        steps: list[list[int]] = [[-1] * len(letters), [-1] * len(letters)]
        tokens = [-1, -1]
        for number, token in enumerate(vocabulary.tokens):
            node, piece = (CONTINUED_ROOT, token[2:]) if token.startswith("##") else (WORD_ROOT, token)
            if not piece or not all(letter in places for letter in piece):
                continue
            for letter in piece:
                if steps[node][places[letter]] < 0:
                    steps[node][places[letter]] = len(steps)
                    steps.append([-1] * len(letters))
                    tokens.append(-1)
                node = steps[node][places[letter]]
            tokens[node] = number
        self.steps: NDArray[np.int32] = np.array(steps, np.int32)
        self.tokens: NDArray[np.int32] = np.array(tokens, np.int32)
        self.unknown = vocabulary.unk_id
