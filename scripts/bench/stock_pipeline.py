"""The pipeline one writes from stock parts: datasets.map over jieba and BertTokenizerFast, saved to disk.

python scripts/bench/stock_pipeline.py --vocab vocab.txt --input raw.jsonl --output tokens --workers 1
"""

from __future__ import annotations

import sys
from pathlib import Path

# This folder's tokenize.py would hide the standard library's; the scripts need the checkout instead.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
from typing import Any

import jieba
from datasets import load_dataset
from transformers import BertTokenizerFast

jieba.setLogLevel(30)


def encode(batch: dict[str, list[str]], tokenizer: BertTokenizerFast) -> dict[str, Any]:
    """Return ids and word starts of a batch of texts."""
    encoded = tokenizer(batch["text"], add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    word_starts = []
    for text, offsets in zip(batch["text"], encoded["offset_mapping"], strict=True):
        begins = {start for _, start, _ in jieba.tokenize(text)}
        word_starts.append([start in begins for start, _ in offsets])
    return {"input_ids": encoded["input_ids"], "word_starts": word_starts}


def main() -> None:
    """Encode the files and save the data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--input", nargs="+", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    path = Path(arguments.vocab)
    tokenizer = BertTokenizerFast(vocab=str(path / "vocab.txt" if path.is_dir() else path))
    cache = str(Path(arguments.output).parent / "stock-cache")
    rows = load_dataset("json", data_files=arguments.input, split="train", cache_dir=cache)
    jieba.initialize()  # before the processes fork, so that each has the dictionary
    rows = rows.map(
        encode,
        batched=True,
        fn_kwargs={"tokenizer": tokenizer},
        num_proc=arguments.workers if arguments.workers > 1 else None,
        remove_columns=rows.column_names,
    )
    rows.save_to_disk(arguments.output)


if __name__ == "__main__":
    main()
