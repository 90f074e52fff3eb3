"""The index of rows over a large corpus: sentences found, cut and packed; processor seconds on one core.

    python scripts/bench/index.py [--tokens 1000000000] [--length 128 512]

The corpus is synthetic: documents and sentences of log-normal lengths like Chinese news (12 sentences of 40 tokens on
average), all ids 0, since only the places of sentences and words matter here.
"""

from __future__ import annotations

import sys
from pathlib import Path

# This folder's tokenize.py would hide the standard library's; the scripts need the checkout instead.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import time

import numpy as np

from scripts.bench.one_core import pin_to_one_core

CHUNK_TOKENS = 50_000_000


def main() -> None:
    """Print seconds, rows, padding and pairs for each length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000_000)
    parser.add_argument("--length", type=int, nargs="+", default=[128, 512])
    arguments = parser.parse_args()
    pin_to_one_core()

    from macbert.examples.layout import locate
    from macbert.examples.packing import PAIR_SPECIALS, pack
    from macbert.examples.sentences import cut_sentences

    # Compile before measuring.
    small = synthetic_table(100_000)[0]
    build = (cut_sentences, pack, locate)
    run(small, arguments.length[0], *build)
    table, _kept_alive = synthetic_table(arguments.tokens)
    for length in arguments.length:
        seconds, packed = run(table, length, *build)
        pieces, pairs = len(packed.piece_tokens), int(packed.piece_pairs.sum())
        slots = int(packed.piece_tokens.sum(dtype=np.int64)) + (PAIR_SPECIALS - 1) * pieces + pairs
        rows = len(packed.row_pieces) - 1
        print(
            f"{arguments.tokens:,} tokens, length {length}: {seconds:.1f} s, {rows:,} rows, "
            f"padding {1 - slots / rows / length:.3%}, pieces with a pair {pairs / pieces:.1%}"
        )


def run(table, length, cut_sentences, pack, locate):
    """Return the processor seconds that the index takes, and the packed rows."""
    from macbert.examples.packing import PAIR_SPECIALS

    start = time.process_time()
    packed = pack(*cut_sentences(table, length - PAIR_SPECIALS), length)
    locate(table, packed)
    return time.process_time() - start, packed


def synthetic_table(tokens: int):
    """Return a token table of documents without ids, and the arrays that it points into."""
    from macbert.examples.reading import TokenTable

    rng = np.random.default_rng(0)
    kept, first = [], [0]
    for begin in range(0, tokens, CHUNK_TOKENS):
        size = min(CHUNK_TOKENS, tokens - begin)
        lengths = np.maximum(3, rng.lognormal(3.5, 0.6, size // 30)).astype(np.int64)
        starts = np.cumsum(lengths) - lengths
        starts = starts[starts < size]
        sentences = np.zeros(size, np.uint8)
        sentences[starts] = 1
        heads = np.flatnonzero(rng.random(len(starts)) < 1 / 12)
        bounds = np.unique([0, *starts[heads].tolist(), size]).astype(np.int32)
        words = (rng.random(size, np.float32) < 0.6) | sentences.astype(np.bool_)
        kept.append(
            (
                bounds,
                np.zeros(1, np.uint16),
                *(np.append(np.packbits(bits, bitorder="little"), np.uint8(0)) for bits in (words, sentences)),
            )
        )
        first.append(first[-1] + len(bounds) - 1)
    address = [np.array([chunk[part].ctypes.data for chunk in kept], np.int64) for part in range(4)]
    none = np.zeros(len(kept), np.int64)
    table = TokenTable(
        first_document=np.array(first, np.int64),
        bounds=address[0],
        tokens=np.array([chunk[0][-1] for chunk in kept], np.int64),
        ids=address[1],
        wide=np.zeros(len(kept), np.uint8),
        words=address[2],
        word_bit=none,
        sentences=address[3],
        sentence_bit=none.copy(),
    )
    return table, kept


if __name__ == "__main__":
    main()
