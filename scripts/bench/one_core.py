"""What the benchmarks share: one core, the same texts for both sides, the median of several runs."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from itertools import islice
from statistics import median

# Before any library starts its threads.
for _name in ("RAYON_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"


# How long a side runs in a round, at least once.
ROUND_SECONDS = 0.3


def pin_to_one_core() -> None:
    """Keep this process, threads included, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def read_texts(paths: list[str], characters: int) -> list[str]:
    """Return texts of files (any format that ``macbert corpus build`` reads), each file giving its share."""
    from corpus import read_documents

    texts: list[str] = []
    for path in paths:
        size = 0
        for document in islice(read_documents(path), 1_000_000):
            texts.append(document.text)
            size += len(document.text)
            if size * len(paths) >= characters:
                break
    return texts


def interleaved(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the CPU seconds of each function: the median of rounds in turn, in each of which all run for as long.

    CPU time, since other work may share the core. One call of the faster side after a long one of the other would
    mostly measure how its tables come back into the processor's cache; who works text after text has them there. What
    the benchmark itself keeps is hidden from Python's garbage collector, which would look through it again and again.
    """
    gc.collect()
    gc.freeze()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start, calls, taken = time.process_time(), 0, 0.0
            while taken < ROUND_SECONDS:
                run()
                calls += 1
                taken = time.process_time() - start
            seconds[name].append(taken / calls)
    gc.unfreeze()
    return {name: median(values) for name, values in seconds.items()}
