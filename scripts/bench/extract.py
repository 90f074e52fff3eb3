"""Measure name extraction beside transformers' token-classification pipeline: same weights, same texts, same spans.

    python scripts/bench/extract.py --texts FILE [--model DIR | --size mini] [--repeat 3] [--threads N] [--json FILE]

FILE is JSON lines with ``text`` (plain, .gz or .zst). Without --model, a model of that size with random weights is made
over a vocabulary of the texts' characters: speed does not depend on what the weights know. Texts longer than the
pipeline's window are left out, since by default it would cut them. All contestants are run --repeat times in turn and
the best of each is told, so that whatever else the machine does hits all alike. With one thread, seconds are of the
processor, which other programs cannot lengthen; with more they are of the clock.
"""

from __future__ import annotations

import sys

# This folder comes first in the path, and tokenize.py in it would stand in for the standard library's.
sys.path.pop(0)

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from macbert import load_extractor
from macbert.annotations import read_examples
from macbert.finetuning.folder import save_finetuned
from macbert.finetuning.tasks import task_class
from macbert.modeling import build_model
from macbert.modeling.loading import quiet_transformers
from tokenizer import ChineseTokenizer, Vocabulary

BATCH_SIZES = (8, 16, 32, 64, 128)
Spans = list[list[tuple[int, int, str]]]


def random_extractor(folder: Path, size: str, texts: list[str]) -> None:
    """Write a BIO extractor with random weights whose names are rare, as real ones are."""
    characters = sorted({character for text in texts for character in text if not character.isspace()})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in characters if c.isascii())]
    tokenizer = ChineseTokenizer(Vocabulary(words), segmenter="char")
    encoder = folder / "encoder"
    with quiet_transformers():
        build_model(size, tokenizer.vocab_size).save_pretrained(encoder)
        tokenizer.save_pretrained(encoder)
        cls = task_class("ner", "bio")
        task = cls(tokenizer, ["人物", "地点", "机构"], max_length=512, stride=64, options={"head": "bio"})
        model: Any = task.build_model(str(encoder), init="pretrained", seed=0)
        with torch.no_grad():
            # Ties at random weights would make two right implementations differ by rounding.
            model.classifier.weight.mul_(50)
            rows = tokenizer.encode("".join(texts)[:500]).input_ids.astype("int64")
            logits = model.eval()(input_ids=torch.from_numpy(rows)[None]).logits[0]
            # A tenth of the characters belongs to names, as in news.
            model.classifier.bias[0] += (logits[:, 1:].max(-1).values - logits[:, 0]).quantile(0.9)
        save_finetuned(task, model, folder / "model")


def best_seconds(contestants: dict[str, Callable[[], Spans]], repeat: int) -> tuple[dict[str, float], dict[str, Spans]]:
    seconds = dict.fromkeys(contestants, float("inf"))
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    spans: dict[str, Spans] = {}
    for _ in range(repeat):
        for name, run in contestants.items():
            start = clock()
            spans[name] = run()
            seconds[name] = min(seconds[name], clock() - start)
    return seconds, spans


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", required=True, nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--size", default="mini")
    parser.add_argument("--limit", type=int, default=2000, help="texts, spread over the files")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.disable(logging.WARNING)
    from transformers import pipeline

    texts = [e.text for path in options.texts for e in read_examples(path) if len(e.text) <= 500]
    texts = texts[:: max(1, len(texts) // options.limit)][: options.limit]
    characters = sum(map(len, texts))
    with tempfile.TemporaryDirectory() as temporary:
        if options.model is None:
            random_extractor(Path(temporary), options.size, texts)
        folder = options.model or f"{temporary}/model"
        with quiet_transformers():
            extractor = load_extractor(folder, device="cpu")
            pipe = pipeline("token-classification", model=folder, aggregation_strategy="simple", device="cpu")

        def ours() -> Spans:
            return [[(e.start, e.end, e.type) for e in found.entities] for found in extractor.extract(texts)]

        def theirs(batch_size: int) -> Spans:
            found = pipe(texts, batch_size=batch_size)
            return [[(e["start"], e["end"], e["entity_group"]) for e in own] for own in found]

        contestants: dict[str, Callable[[], Spans]] = {"macbert": ours, "pipeline, default": lambda: theirs(1)}
        for size in BATCH_SIZES:
            contestants[f"pipeline, batch {size}"] = lambda size=size: theirs(size)
        seconds, spans = best_seconds(contestants, options.repeat)
    lengths = sorted(map(len, texts))
    middle = lengths[len(lengths) // 2]
    print(f"{len(texts)} texts, {characters} characters (median {middle}, longest {lengths[-1]})")
    print(f"{options.model or options.size}, {options.threads} threads, best of {options.repeat}")
    rows = []
    for name, taken in seconds.items():
        differing = sum(a != b for a, b in zip(spans["macbert"], spans[name], strict=True))
        rows.append({"name": name, "characters_per_second": characters / taken, "differing_texts": differing})
        speed, ratio = characters / taken, taken / seconds["macbert"]
        print(f"{name:22} {speed:12,.0f} characters/s   macbert is {ratio:5.2f} x as fast   {differing} texts differ")
    print(f"{sum(map(len, spans['macbert']))} spans")
    batched = min(seconds[f"pipeline, batch {size}"] for size in BATCH_SIZES)
    default = seconds["pipeline, default"]
    best = min(batched, default)
    ours_seconds = seconds["macbert"]
    print(f"against its default: {default / ours_seconds:.2f} x; against its best: {best / ours_seconds:.2f} x")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return int(any(row["differing_texts"] for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
