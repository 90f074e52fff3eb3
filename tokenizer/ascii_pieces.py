"""WordPiece for plain letters and digits as a table of steps: no dictionary of strings is asked."""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray

from tokenizer.vocabulary import Vocabulary

# WordPiece's limit for a word (tokenizers: max_input_chars_per_word); longer ones are one [UNK].
MAX_RUN_CHARACTERS = 100


class AsciiPieces:
    """The vocabulary's ASCII pieces as a trie in one dense array.

    Attributes:
        columns: (128,) int8: the column of a character in a node, -1 for other characters than letters and digits; for
            an uncased model capitals have the column of the small letter.
        steps: (nodes * width,) int32, flat; a node is named by the place where it begins. At ``node + column`` stands
            the next node, at ``node + width - 1`` the token that ends here; -1 for none. Node 0 begins a word, node
            ``width`` continues one.
        width: columns and the place of the token.
        unknown: [UNK]'s id.
    """

    def __init__(self, vocabulary: Vocabulary, lowercase: bool) -> None:
        letters = string.digits + string.ascii_lowercase + ("" if lowercase else string.ascii_uppercase)
        self.columns = np.full(128, -1, np.int8)
        self.columns[[*map(ord, letters)]] = np.arange(len(letters))
        if lowercase:
            self.columns[[*map(ord, string.ascii_uppercase)]] = self.columns[[*map(ord, string.ascii_lowercase)]]
        places = {letter: place for place, letter in enumerate(letters)}
        self.width = len(letters) + 1
        empty = [-1] * self.width
        nodes = [[*empty], [*empty]]
        for number, token in enumerate(vocabulary.tokens):
            node, piece = (nodes[1], token[2:]) if token.startswith("##") else (nodes[0], token)
            if not piece or not all(letter in places for letter in piece):
                continue
            for letter in piece:
                if node[places[letter]] < 0:
                    node[places[letter]] = self.width * len(nodes)
                    nodes.append([*empty])
                node = nodes[node[places[letter]] // self.width]
            node[-1] = number
        self.steps: NDArray[np.int32] = np.array(nodes, np.int32).ravel()
        self.unknown = vocabulary.unk_id
