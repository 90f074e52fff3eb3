"""How many labels is pretraining worth? The demo's two initialisations, fine-tuned on more and more of its labels.

    python scripts/reproduce/labels.py --demo demo [--task classify] [--labels 100 300 1000] [--seeds 1] [--output DIR]

Takes the corpus and the encoders of `macbert demo --budget long --seeds N`, draws labelled examples of the training
documents as the demo does (another number of them), fine-tunes from pretrained and from random weights until both have
stopped getting better on dev, scores the demo's held-out examples, and prints a table. Each finished score is one line
of DIR/scores.jsonl: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from corpus import read_documents
from macbert.demo.budgets import BUDGETS
from macbert.demo.labelled import Sizes, write_labelled
from macbert.demo.road import FIGURES, HELD_OUT
from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune
from tokenizer.encoding import is_reserved

STEPS = 1600
"""Updates to aim at, in 10 to 40 passes: with few labels many, so that the random encoder leaves its first plateau."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, required=True, help="folder that macbert demo --budget long made")
    parser.add_argument("--task", choices=tuple(FIGURES), default="classify")
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("runs/labels"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    scores_file = arguments.output / "scores.jsonl"
    lines = scores_file.read_text("utf-8").splitlines() if scores_file.exists() else []
    scores = {(row["task"], row["labels"], row["seed"], row["init"]): row["score"] for row in map(json.loads, lines)}

    for seed in range(arguments.seeds):
        for labels in arguments.labels:
            for init in ("pretrained", "random"):
                key = (arguments.task, labels, seed, init)
                if key not in scores:
                    scores[key] = score(arguments.demo, arguments.output, *key)
                    row = dict(zip(("task", "labels", "seed", "init", "score"), (*key, scores[key]), strict=True))
                    with scores_file.open("a", encoding="utf-8") as stream:
                        stream.write(json.dumps(row) + "\n")

    print(f"| seed | labels | {FIGURES[arguments.task]}, pretrained | random |\n|-|-|-|-|")
    for seed in range(arguments.seeds):
        for labels in arguments.labels:
            pair = [scores[arguments.task, labels, seed, init] for init in ("pretrained", "random")]
            print(f"| {seed} | {labels:,} | {pair[0]:.4f} | {pair[1]:.4f} |")


def score(demo: Path, output: Path, task: str, labels: int, seed: int, init: str) -> float:
    """Fine-tune one encoder on so many labels and return its score on the demo's held-out examples."""
    budget = BUDGETS["long"]
    usual = budget.examples[task]
    splits = write_labelled(
        output / f"labelled-{labels}-{seed}",
        read_documents(demo / "corpus"),
        lambda document: is_reserved(document, fraction=HELD_OUT, seed=0),
        {**budget.examples, task: Sizes(labels, usual.dev, usual.test)},
        seed,
    )
    model = output / f"{task}-{labels}-{seed}-{init}"
    batch = budget.finetune_batch_size
    finetune(
        FinetuneConfig(
            task=task,
            model=str(demo / f"encoder-{seed}"),
            train=str(splits[task].train),
            dev=str(splits[task].dev),
            output=str(model),
            init=init,
            num_train_epochs=min(40, max(10, STEPS * batch // labels)),
            per_device_train_batch_size=batch,
            seed=seed,
        )
    )
    scores = evaluate(EvaluateConfig(task=task, model=str(model), data=str(splits[task].test)))
    return float(scores.metrics[FIGURES[task]])


if __name__ == "__main__":
    main()
