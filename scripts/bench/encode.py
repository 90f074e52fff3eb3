"""Raw jsonl to a training-ready token data set: ours against a stock pipeline, same processes, one run each in turn.

    python scripts/bench/encode.py --vocab vocab.txt --input news.jsonl [--workers 1]

Ours is ``macbert tokenizer encode --raw``, which as the stock pipeline cleans nothing, and ``macbert corpus build``
(preset keep-all: normalised, duplicates dropped) with ``macbert tokenizer encode``. The stock pipeline is
stock_pipeline.py: ``datasets.map`` over jieba and BertTokenizerFast. All go over ten documents first, untimed: the
first run of an installation compiles our kernels and writes jieba's dictionary cache.
"""

from __future__ import annotations

import sys
from pathlib import Path

# This folder's tokenize.py would hide the standard library's; the scripts need the checkout instead.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import itertools
import json
import resource
import shutil
import subprocess
import tempfile
import time

from scripts.bench import one_core


def cpu_seconds() -> float:
    """Return the CPU time of all ended child processes: another's work on the machine does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def commands(folder: Path, inputs: list[str], arguments: argparse.Namespace) -> dict[str, list[list[str]]]:
    """Return the commands of each side, which write into a folder."""
    folder.mkdir(exist_ok=True)
    shared = ["--workers", str(arguments.workers)]
    vocab = ["--vocab", arguments.vocab]
    stock = [str(Path(__file__).with_name("stock_pipeline.py")), "--output", str(folder / "stock")]
    build = ["-m", "macbert", "corpus", "build", "--preset", "keep-all", "--output", str(folder / "corpus")]
    encode, tokenizer = ["-m", "macbert", "tokenizer", "encode"], ["--tokenizer", arguments.vocab]
    return {
        "stock pipeline": [[*stock, *vocab, *shared, "--input", *inputs]],
        "one command": [[*encode, *shared, "--raw", *inputs, *tokenizer, "--output", str(folder / "raw-tokens")]],
        "two commands": [
            [*build, *shared, "--input", *inputs],
            [*encode, *shared, "--input", str(folder / "corpus"), *tokenizer, "--output", str(folder / "tokens")],
        ],
    }


def run(step: list[str]) -> None:
    """Run a command of Python, silent."""
    subprocess.run([sys.executable, *step], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    """Print seconds, characters per second, the ratio and bytes a token."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocab", required=True, help="vocab.txt or tokenizer folder")
    parser.add_argument("--input", nargs="+", required=True, help="jsonl files, plain or compressed")
    parser.add_argument("--characters", type=int, default=3_000_000, help="characters to take from each file")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.workers == 1:
        one_core.pin_to_one_core()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = folder / "raw"
        raw.mkdir()
        size = documents = 0
        for number, path in enumerate(arguments.input):
            with (raw / f"{number:03d}.jsonl").open("w", encoding="utf-8") as stream:
                for text in one_core.read_texts([path], arguments.characters):
                    stream.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                    size += len(text)
                    documents += 1
        print(f"{documents:,} documents, {size:,} characters, {arguments.workers} processes")
        inputs = sorted(map(str, raw.iterdir()))
        small = folder / "small.jsonl"
        with open(inputs[0], encoding="utf-8") as stream:
            small.write_text("".join(itertools.islice(stream, 10)), encoding="utf-8")
        for steps in commands(folder / "first", [str(small)], arguments).values():
            for step in steps:
                run(step)
        total = {}
        for who, steps in commands(folder, inputs, arguments).items():
            total[who] = 0.0
            for step in steps:
                start, used = time.perf_counter(), cpu_seconds()
                run(step)
                seconds = time.perf_counter() - start
                cpu = cpu_seconds() - used
                total[who] += cpu
                what = " ".join(step[1:4]) if step[0] == "-m" else Path(step[0]).name
                print(f"  {who:15} {what:24} {seconds:8.1f} s, {cpu:8.1f} s of CPU")
        from corpus.manifest import read_manifest

        manifest = read_manifest(folder / "tokens", "tokens")
        tokens = manifest["tokens"] + manifest["heldout_tokens"]
        stored = sum(path.stat().st_size for path in (folder / "tokens").rglob("*.arrow"))
        kept = manifest["documents"] + manifest["heldout_documents"]
        for who in ("one command", "two commands"):
            print(f"  ratio of CPU time, {who}: {total['stock pipeline'] / total[who]:.1f} (goal 10)")
        print(f"  {stored / tokens:.2f} bytes a token on disk (goal 3) at {tokens / kept:.0f} tokens a document")
        shutil.rmtree(folder / "stock", ignore_errors=True)


if __name__ == "__main__":
    main()
