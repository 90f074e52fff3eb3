"""A pretraining step: ours against transformers' BertForMaskedLM + Trainer, same shapes, same threads, one run.

    python scripts/bench/pretrain.py --tokens data/tokens [--preset mini small] [--length 128 512] [--steps 6]

Both sides train full rows in float32 with fused AdamW and no dropout; the peer masks by its whole-word collator and
scores every position. Each side runs in a process of its own on one core, in turn; a step's seconds are processor time,
the median over the steps after the first two, so that a busy machine matters less. "peak" is the process's largest
memory; "stall" is our share of the step spent making the rows; "GEMM" is our step's floating-point operations by the
formula 6 N + 12 L h s + 6 p (h V + h h) a token over its time, against this core's own best matrix product. A last line
gives our step with bf16 products where the processor has them.
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
import statistics
import subprocess
import tempfile
import time
from typing import Any

from scripts.bench.one_core import pin_to_one_core

WARM_UP = 2


def main() -> None:
    """Print one line for each preset and length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", required=True, help="folder of macbert tokenizer encode, with similar words")
    parser.add_argument("--preset", nargs="+", default=["mini", "small"])
    parser.add_argument("--length", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--slots", type=int, default=2048, help="tokens of a step, padding included")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--side", choices=["ours", "ours-bf16", "peer"], help="run one side only and print JSON")
    arguments = parser.parse_args()
    pin_to_one_core()
    if arguments.side:
        side = peer if arguments.side == "peer" else ours
        print(json.dumps(side(arguments, arguments.preset[0], arguments.length[0])))
        return
    for preset in arguments.preset:
        for length in arguments.length:
            found = {side: in_process(arguments, side, preset, length) for side in ("peer", "ours", "ours-bf16")}
            print(report(preset, length, found), flush=True)


def in_process(arguments: argparse.Namespace, side: str, preset: str, length: int) -> dict[str, Any]:
    """Return one side's figures, measured in a process of its own."""
    command = [sys.executable, __file__, "--tokens", arguments.tokens, "--side", side, "--preset", preset]
    command += ["--length", str(length), "--slots", str(arguments.slots), "--steps", str(arguments.steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def report(preset: str, length: int, found: dict[str, dict[str, Any]]) -> str:
    """Return the lines of a preset and a length."""
    peer_, ours_, bf16 = found["peer"], found["ours"], found["ours-bf16"]
    lines = [
        f"{preset} length {length}: ours {ours_['seconds'] * 1e3:.0f} ms a step, transformers "
        f"{peer_['seconds'] * 1e3:.0f} ms: {peer_['seconds'] / ours_['seconds']:.2f} x the step rate",
        f"  peak {ours_['peak_mb']:.0f} MB, transformers {peer_['peak_mb']:.0f} MB; stall {ours_['stall']:.2%}; "
        f"GEMM {ours_['gflops']:.0f} of {ours_['ceiling']:.0f} GFLOP/s ({ours_['gflops'] / ours_['ceiling']:.0%})",
        f"  ours with bf16: {bf16['seconds'] * 1e3:.0f} ms, {peer_['seconds'] / bf16['seconds']:.2f} x",
    ]
    return "\n".join(lines)


def ours(arguments: argparse.Namespace, preset: str, length: int) -> dict[str, Any]:
    """Train by the parts of ``macbert pretrain``."""
    import torch

    torch.set_num_threads(1)
    from macbert.modeling import build_model, set_dropout
    from macbert.pretraining.batches import Control, StepRows
    from macbert.pretraining.devices import build_accelerator
    from macbert.pretraining.inputs import open_inputs
    from macbert.pretraining.training import Training

    batch = arguments.slots // length
    config = _config(arguments, preset, length, batch)
    inputs = open_inputs(config, verify=False)
    accelerator = build_accelerator(config)
    model = build_model(preset, inputs.tokenizer.vocab_size, max_length=length)
    set_dropout(model, 0.0)
    training = Training(config, accelerator, model, arguments.steps + WARM_UP, Control())
    training.model.train()
    rows = StepRows(inputs.stream, batch, 0, 1)
    steps, waits = [], []
    for step in range(arguments.steps + WARM_UP):
        began = time.process_time()
        made = rows[step]
        waits.append(time.process_time() - began)
        training.train_step(made, stop=False)
        steps.append(time.process_time() - began)
    seconds = statistics.median(steps[WARM_UP:])
    layers, hidden = model.config.num_hidden_layers, model.config.hidden_size
    vocabulary, share = model.config.vocab_size, config.masking.mlm_probability
    per_token = 6 * layers * 12 * hidden**2 + 12 * layers * hidden * length
    per_token += share * (6 * hidden * vocabulary + 6 * hidden**2)
    return {
        "seconds": seconds,
        "stall": statistics.median(waits[WARM_UP:]) / seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "gflops": per_token * arguments.slots / seconds / 1e9,
        "ceiling": best_product(),
    }


def _config(arguments: argparse.Namespace, preset: str, length: int, batch: int) -> Any:
    from macbert.pretraining.config import PretrainConfig

    return PretrainConfig(
        data=[arguments.tokens],
        output=tempfile.mkdtemp(),
        model=preset,
        max_length=length,
        global_batch_size=batch,
        per_device_train_batch_size=batch,
        mixed_precision="bf16" if arguments.side == "ours-bf16" else "no",
        trackers=[],
    )


def peer(arguments: argparse.Namespace, preset: str, length: int) -> dict[str, Any]:
    """Train by transformers' Trainer on rows of the same length, with its own whole-word collator."""
    import torch

    torch.set_num_threads(1)
    from transformers import BertForMaskedLM, Trainer, TrainerCallback, TrainingArguments

    from macbert.examples import PretrainingExamples
    from macbert.masking import MacMasking
    from macbert.modeling import model_config
    from scripts.bench.mask import peer_collators, peer_features
    from tokenizer import ChineseTokenizer, Lexicon, TokenDocuments

    folder = Path(arguments.tokens)
    tokenizer = ChineseTokenizer.from_pretrained(str(folder / "tokenizer"))
    lexicon = Lexicon.load(folder / "tokenizer", tokenizer)
    documents = TokenDocuments.open(folder)
    made = PretrainingExamples(documents, tokenizer, MacMasking(strategy="wwm"), length, lexicon=lexicon)
    batch = arguments.slots // length
    total = arguments.steps + WARM_UP
    features = peer_features(tokenizer, made, length, batch * total)
    kept = ("input_ids", "token_type_ids", "attention_mask", "special_tokens_mask", "offset_mapping")
    features = [{name: row[name] for name in kept} for row in features if len(row["input_ids"]) == length]
    features = [features[index % len(features)] for index in range(batch * total)]
    config = model_config(
        preset,
        tokenizer.vocab_size,
        max_position_embeddings=max(512, length),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    marks = [time.process_time()]

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            marks.append(time.process_time())

    with tempfile.TemporaryDirectory() as output:
        training = TrainingArguments(
            output_dir=output,
            max_steps=total,
            per_device_train_batch_size=batch,
            optim="adamw_torch_fused",
            remove_unused_columns=False,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = Trainer(
            BertForMaskedLM(config),
            training,
            data_collator=peer_collators(tokenizer)["whole_word_mask"],
            train_dataset=features,
            callbacks=[Clock()],
        )
        trainer.train()
    steps = [later - earlier for earlier, later in itertools.pairwise(marks)]
    return {
        "seconds": statistics.median(steps[WARM_UP:]),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def best_product() -> float:
    """Return the GFLOP/s of this core's best float32 matrix product."""
    import torch

    left, right = torch.rand(1024, 1024), torch.rand(1024, 1024)
    left @ right
    best = float("inf")
    for _ in range(10):
        began = time.process_time()
        left @ right
        best = min(best, time.process_time() - began)
    return 2 * 1024**3 / best / 1e9


if __name__ == "__main__":
    main()
