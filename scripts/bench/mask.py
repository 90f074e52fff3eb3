"""Masking and collation: ours against transformers' whole_word_mask collator, same texts and shapes, one core.

    python scripts/bench/mask.py --tokens data/tokens [--length 128 512] [--batch 64]

``rows`` is what pretraining reads: packed rows with sentence pairs, n-grams, similar words and the exact budget, made
from token documents on disk in shuffled order. ``transformers`` is its collator alone, on features that lie ready in
memory as lists; ``from disk`` is what a Trainer's loader does: the same features read from a data set on disk in
shuffled order, then collated. Features are what transformers' own tokenizer gives, offsets included, from which its
collator finds words; its cost does not depend on how many it finds. ``collator`` is DataCollatorForMacBert on the very
same features, with the words found again from the ids, and with the words known. Tokens are slots of the batch, padding
included, on both sides; seconds are the process's processor time on one core, so that a busy machine matters less.
"""

from __future__ import annotations

import sys
from pathlib import Path

# This folder's tokenize.py would hide the standard library's; the scripts need the checkout instead.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import tempfile
import warnings
from collections.abc import Callable
from itertools import count
from typing import Any

from scripts.bench.one_core import interleaved, pin_to_one_core


def main() -> None:
    """Print million tokens a second of each side, and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", required=True, help="folder of macbert tokenizer encode, with similar words")
    parser.add_argument("--length", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=30, help="rounds in turn; the median of each side counts")
    arguments = parser.parse_args()
    pin_to_one_core()

    import torch

    torch.set_num_threads(1)
    from tokenizer import ChineseTokenizer, Lexicon, SimilarWords, TokenDocuments

    folder = Path(arguments.tokens)
    tokenizer = ChineseTokenizer.from_pretrained(folder / "tokenizer")
    similar, lexicon = SimilarWords.load(folder / "tokenizer"), Lexicon.load(folder / "tokenizer", tokenizer)
    documents = TokenDocuments.open(folder)
    with tempfile.TemporaryDirectory() as place:
        for length in arguments.length:
            compare(length, arguments, tokenizer, similar, lexicon, documents, Path(place))


def compare(
    length: int, arguments: Any, tokenizer: Any, similar: Any, lexicon: Any, documents: Any, place: Path
) -> None:
    """Print the speeds at one length."""
    import numpy as np
    import torch

    from macbert.examples import PretrainingExamples
    from macbert.masking import DataCollatorForMacBert, MacMasking

    made = {
        strategy: PretrainingExamples(
            documents, tokenizer, MacMasking(strategy=strategy), length, similar=similar, lexicon=lexicon
        )
        for strategy in ("mac", "wwm+ngram", "wwm", "mlm")
    }
    features = peer_features(tokenizer, made["mac"], length, arguments.batch * 8)
    batches = [features[i : i + arguments.batch] for i in range(0, len(features), arguments.batch)]
    peers = peer_collators(tokenizer)
    collator = DataCollatorForMacBert(tokenizer, similar=similar, lexicon=lexicon, max_length=length)
    rows = made["mac"].num_rows
    print(f"length {length}, batch {arguments.batch}: {rows:,} rows, padding {made['mac'].padding_share:.2%}")

    def own_rows(strategy: str) -> Callable[[int], object]:
        def run(number: int) -> object:
            first = number * arguments.batch % (made[strategy].num_rows - arguments.batch)
            batch = made[strategy].batch(number, range(first, first + arguments.batch))
            return {name: torch.from_numpy(value) for name, value in batch.items()}

        return run

    def on_features(collate: Any, known: bool) -> Callable[[int], object]:
        dropped = set() if known else {"word_starts", "sentence_starts"}
        kept = [[{k: v for k, v in row.items() if k not in dropped} for row in batch] for batch in batches]
        return lambda number: collate([dict(row) for row in kept[number % len(kept)]])

    def from_disk(collate: Any, data: Any) -> Callable[[int], object]:
        order, batch = np.random.default_rng(0).permutation(len(data)).tolist(), arguments.batch

        def run(number: int) -> object:
            first = number * batch % (len(order) - batch + 1)
            return collate(data.__getitems__(order[first : first + batch]))

        return run

    sides: dict[str, Callable[[int], object]] = {
        "transformers whole_word_mask": on_features(peers["whole_word_mask"], known=False),
        "transformers, from disk": from_disk(peers["whole_word_mask"], on_disk(features, place)),
        "transformers mlm": on_features(peers["mlm"], known=False),
        "collator mac, words found again": on_features(collator, known=False),
        "collator mac, words known": on_features(collator, known=True),
        **{f"rows {strategy}": own_rows(strategy) for strategy in made},
    }
    numbers = {name: count() for name in sides}
    for run in sides.values():
        run(0)
    seconds = interleaved(
        {name: lambda name=name, run=run: run(next(numbers[name])) for name, run in sides.items()}, arguments.rounds
    )
    base, disk = seconds["transformers whole_word_mask"], seconds["transformers, from disk"]
    for name, taken in seconds.items():
        speed = arguments.batch * length / taken / 1e6
        ratios = f"{base / taken:7.1f} x transformers whole_word_mask {disk / taken:7.1f} x from disk"
        print(f"  {name:32} {speed:7.2f} M tokens/s {ratios}")


def peer_features(tokenizer: Any, examples: Any, length: int, rows: int) -> list[dict[str, Any]]:
    """Return rows as transformers' tokenizer makes them, of full length, with words and sentences known as well."""
    from macbert.masking.marks import EDGE, WORD
    from macbert.masking.texts import text_marks

    batch = examples.batch(0, range(min(rows, examples.num_rows)))
    ids = batch["input_ids"].copy()
    chosen = batch["labels"] != -100
    ids[chosen] = batch["labels"][chosen]
    special = {tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id}
    peer = tokenizer.to_transformers()
    features = []
    for row in ids.tolist():
        # Two rows' text, so that each feature fills its length.
        text = tokenizer.decode_word(i for i in row if i not in special) * 2
        made = peer(
            text, truncation=True, max_length=length, return_special_tokens_mask=True, return_offsets_mapping=True
        )
        encoded = tokenizer.encode_batch([text])
        marks = text_marks(encoded)[: length - 2]
        feature = dict(made)
        for name, bit in (("word_starts", WORD), ("sentence_starts", EDGE)):
            feature[name] = [False, *(marks & bit > 0).tolist(), False]
        features.append(feature)
    return features


def on_disk(features: list[dict[str, Any]], folder: Path) -> Any:
    """Return the features as a data set of the ``datasets`` library, saved and opened, without what only ours reads."""
    from datasets import Dataset, disable_progress_bars, load_from_disk

    disable_progress_bars()
    path = str(folder / str(len(features[0]["input_ids"])))
    names = [name for name in features[0] if name not in ("word_starts", "sentence_starts")]
    Dataset.from_list([{name: row[name] for name in names} for row in features]).save_to_disk(path)
    return load_from_disk(path)


def peer_collators(tokenizer: Any) -> dict[str, Any]:
    """Return transformers' collators."""
    from transformers import DataCollatorForLanguageModeling

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "whole_word_mask": DataCollatorForLanguageModeling(tokenizer.to_transformers(), whole_word_mask=True),
            "mlm": DataCollatorForLanguageModeling(tokenizer.to_transformers()),
        }


if __name__ == "__main__":
    main()
