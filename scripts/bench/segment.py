"""Word boundaries: our backends against jieba, same texts, one core, CPU time, every boundary compared.

python scripts/bench/segment.py --input news.jsonl.zst ...
"""

from __future__ import annotations

import sys
from pathlib import Path

# This folder's tokenize.py would hide the standard library's; the scripts need the checkout instead.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import time

from scripts.bench.one_core import pin_to_one_core, read_texts

BATCH = 64


def main() -> None:
    """Print characters per second, ratios and the number of unequal texts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", nargs="+", required=True, help="files of texts")
    parser.add_argument("--characters", type=int, default=1_000_000, help="characters of each file")
    arguments = parser.parse_args()
    pin_to_one_core()

    from tokenizer import load_segmenter

    segmenters = {name: load_segmenter(name) for name in ("jieba", "compiled", "rjieba")}
    for segmenter in segmenters.values():
        segmenter.starts(["词典先装入，代码先编译。"])
    for path in arguments.input:
        texts = read_texts([path], arguments.characters)
        size = sum(map(len, texts))
        seconds = dict.fromkeys(segmenters, 0.0)
        alone = dict.fromkeys(segmenters, 0.0)
        unequal = dict.fromkeys(segmenters, 0)
        # In turn for each batch, so that a busy machine is busy for all.
        for first in range(0, len(texts), BATCH):
            batch = texts[first : first + BATCH]
            expected = None
            for name, segmenter in segmenters.items():
                start = time.process_time()
                found = segmenter.starts(batch)
                seconds[name] += time.process_time() - start
                start = time.process_time()
                for text in batch if name != "jieba" else []:
                    segmenter.starts([text])
                alone[name] += time.process_time() - start
                expected = found if expected is None else expected
                place = 0
                for text in batch:
                    end = place + len(text)
                    unequal[name] += bool((found[place:end] != expected[place:end]).any())
                    place = end
        alone["jieba"] = seconds["jieba"]  # jieba itself works text by text
        print(f"{path}: {len(texts):,} texts of {size / len(texts):.0f} characters")
        for name in segmenters:
            ratio, ratio_alone = seconds["jieba"] / seconds[name], seconds["jieba"] / alone[name]
            print(
                f"  {name:9} {size / seconds[name] / 1e6:7.2f} M characters/s, {ratio:5.1f} x jieba batched, "
                f"{ratio_alone:5.1f} x text by text, {unequal[name]} unequal"
            )


if __name__ == "__main__":
    main()
