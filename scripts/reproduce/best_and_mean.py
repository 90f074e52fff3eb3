"""Put the scores of several seeds (`macbert evaluate --json`) into one table: the best and the mean, as papers report.

    python scripts/reproduce/best_and_mean.py ROW dev-seed-0.json dev-seed-1.json ... test-seed-0.json ...

Beside them stand the figures of MacBERT-base in the paper's tables V to VIII (arXiv 1906.08101v3), best (mean) of ten.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean

PAPER = {
    ("cmrc2018", "test", "exact_match"): "73.2 (72.4)",
    ("cmrc2018", "test", "f1"): "89.5 (89.2)",
    ("drcd", "test", "exact_match"): "89.5 (88.7)",
    ("drcd", "test", "f1"): "93.8 (93.5)",
    ("cjrc", "test", "exact_match"): "60.3 (59.3)",
    ("cjrc", "test", "f1"): "79.8 (79.0)",
    ("chnsenticorp", "test", "accuracy"): "95.6 (94.9)",
    ("thucnews", "test", "accuracy"): "97.7 (97.5)",
    ("tnews", "dev", "accuracy"): "57.4 (57.1)",
    ("xnli", "test", "accuracy"): "79.3 (78.8)",
    ("lcqmc", "test", "accuracy"): "87.0 (86.5)",
    ("bq", "test", "accuracy"): "85.2 (84.9)",
    ("ocnli", "dev", "accuracy"): "77.0 (76.5)",
}


def main(row: str, *files: str) -> int:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for file in files:
        scores = json.loads(Path(file).read_text(encoding="utf-8"))
        for metric, value in scores["metrics"].items():
            found[Path(file).name.split("-")[0], metric].append(value)
    print(f"| {row} | metric | best (mean) | seeds | MacBERT-base in the paper |\n|-|-|-|-|-|")
    for (part, metric), values in found.items():
        told = PAPER.get((row, part, metric), "")
        print(f"| {part} | {metric} | {100 * max(values):.1f} ({100 * mean(values):.1f}) | {len(values)} | {told} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
