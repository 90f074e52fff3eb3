"""The sentences of token documents as items to pack; one too long for a row is cut at words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from corpus.compiling import njit
from macbert.examples.bits import next_bit
from macbert.examples.reading import TokenTable
from tokenizer.addresses import int32_at, uint8_at


def cut_sentences(table: TokenTable, longest: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return document_items (n + 1,) and items (S,): the tokens of each sentence, in order.

    A sentence longer than ``longest`` tokens is cut before the last word that begins within reach (or, in a longer
    word, after ``longest`` tokens); every part but the first is negative: it goes on where no sentence begins.
    """
    documents = int(table.first_document[-1])
    document_items = np.zeros(documents + 1, np.int64)
    _cut(table, longest, document_items, np.empty(0, np.int32))
    items = np.empty(document_items[-1], np.int32)
    _cut(table, longest, document_items, items)
    return document_items, items


@njit(nogil=True)
def _cut(table, longest, document_items, items):  # type: ignore[no-untyped-def]
    """Count the items of each document, then (``items`` not empty) write their lengths."""
    writing = len(items) > 0
    found = 0
    for chunk in range(len(table.bounds)):
        documents = table.first_document[chunk + 1] - table.first_document[chunk]
        bounds = int32_at(table.bounds[chunk], documents + 1)
        bit = table.sentence_bit[chunk]
        marks = uint8_at(table.sentences[chunk], (bit + bounds[documents]) // 8 + 1)
        word_bit = table.word_bit[chunk]
        words = uint8_at(table.words[chunk], (word_bit + bounds[documents]) // 8 + 1)
        for document in range(documents):
            stop = np.int64(bounds[document + 1])
            start = np.int64(bounds[document])
            while start < stop:
                end = next_bit(marks, bit, start + 1, stop)
                sign = 1
                while end - start > longest:
                    cut = start + longest
                    while cut > start and not (words[(word_bit + cut) >> 3] >> ((word_bit + cut) & 7)) & 1:
                        cut -= 1
                    if cut == start:
                        cut = start + longest
                    if writing:
                        items[found] = sign * (cut - start)
                    found += 1
                    start = cut
                    sign = -1
                if writing:
                    items[found] = sign * (end - start)
                found += 1
                start = end
            document_items[table.first_document[chunk] + document + 1] = found
