"""Ids and offsets: ours against transformers' BertTokenizer; same texts, one core, CPU time, everything compared.

python scripts/bench/tokenize.py --vocab vocab.txt --input news.jsonl.zst ...
"""

from __future__ import annotations

import sys
from pathlib import Path

# This folder's tokenize.py would hide the standard library's; the scripts need the checkout instead.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import time
from collections import deque
from collections.abc import Iterable

from scripts.bench.one_core import interleaved, pin_to_one_core, read_texts

BATCH = 64


def main() -> None:
    """Print characters per second, ratios and the number of unequal texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocab", required=True, help="vocab.txt or tokenizer folder")
    parser.add_argument("--input", nargs="+", required=True, help="files of texts")
    parser.add_argument("--characters", type=int, default=1_000_000, help="characters of each file to time")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    pin_to_one_core()

    from tokenizer import ChineseTokenizer

    ours = ChineseTokenizer.from_pretrained(arguments.vocab)
    theirs = ours.to_transformers()
    ours.encode_batch(["编译"]), ours.encode("编译")
    options = {"add_special_tokens": False, "return_offsets_mapping": True, "verbose": False}
    for path in arguments.input:
        texts = read_texts([path], arguments.characters)
        size = sum(map(len, texts))
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        fresh = ChineseTokenizer.from_pretrained(arguments.vocab)
        start = time.process_time()
        for batch in batches:
            fresh.encode_batch(batch)
        cold = time.process_time() - start
        unequal = 0
        for batch in batches:
            expected = theirs(batch, **options)
            found = ours.encode_batch(batch)
            for row, ids, offsets in zip(found, expected["input_ids"], expected["offset_mapping"], strict=True):
                unequal += row.input_ids.tolist() != ids or row.offsets.tolist() != [list(pair) for pair in offsets]
        seconds = interleaved(
            {
                "ours, text by text": lambda texts=texts: use(ours.encode(text) for text in texts),
                "transformers, text by text": lambda texts=texts: use(theirs(text, **options) for text in texts),
                "ours, batched": lambda batches=batches: use(ours.encode_batch(batch) for batch in batches),
                "transformers, batched": lambda batches=batches: use(theirs(batch, **options) for batch in batches),
            },
            arguments.repeats,
        )
        print(f"{path}: {len(texts):,} texts of {size / len(texts):.0f} characters, {unequal} unequal")
        for name, value in seconds.items():
            print(f"  {name:28} {size / value / 1e6:8.2f} M characters/s")
        print(f"  {'ours, batched, first time':28} {size / cold / 1e6:8.2f} M characters/s")
        one = seconds["transformers, text by text"] / seconds["ours, text by text"]
        many = seconds["transformers, batched"] / seconds["ours, batched"]
        print(f"  ratio text by text {one:.1f} (goal 20), batched {many:.1f} (goal 50), ", end="")
        print(f"batched and first time {seconds['transformers, batched'] / cold:.1f}")


def use(results: Iterable[object]) -> None:
    """Take results one after another and keep none: a list of them all would measure Python's garbage collection."""
    deque(results, maxlen=0)


if __name__ == "__main__":
    main()
