"""A pretraining step: ours against transformers' BertForMaskedLM + Trainer, same shapes, same threads, one run.

    python scripts/bench/pretrain.py --tokens data/tokens [--preset mini small] [--length 128 512] [--steps 6]
    python scripts/bench/pretrain.py --tokens data/tokens --gpu [--preset base] [--length 512] [--slots 131072]

Both sides train full rows with fused AdamW and no dropout; the peer masks by its whole-word collator and scores every
position. On a CPU: float32, each side in a process of its own on one core, the two in turn --repeats times; a step's
seconds are processor time, the median over the steps after the first two, and the ratio is the median of the pairs'
ratios, so that a busy machine matters less. "peak" is the process's largest memory; "stall" is our share of the step
spent making the rows; "products" is our step's operations (macbert.pretraining.flops counts what is done) over its
time, against this core's own best matrix product, measured in the same process. With --bf16 a last line gives our step
with bf16 products, for processors that have them. With --gpu: bf16, wall time, tokens a second and MFU; without a GPU
it says so and ends with 3.
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", required=True, help="folder of macbert tokenizer encode, with similar words")
    parser.add_argument("--preset", nargs="+", help="default: mini small; with --gpu: base")
    parser.add_argument("--length", type=int, nargs="+", help="default: 128 512; with --gpu: 512")
    parser.add_argument("--slots", type=int, help="tokens of a step, padding included; default 2048, --gpu 131072")
    parser.add_argument("--micro", type=int, default=64, help="rows that go through a GPU at once")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3, help="times that each side runs")
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--bf16", action="store_true", help="on a CPU: ours with bf16 products too")
    parser.add_argument("--torch-compile", action="store_true", help="compile both sides")
    parser.add_argument("--side", choices=["ours", "ours-bf16", "peer"], help="run one side only and print JSON")
    arguments = parser.parse_args()
    if arguments.gpu and not gpu_name():
        print("no NVIDIA GPU here: nothing was measured", file=sys.stderr)
        raise SystemExit(3)
    arguments.preset = arguments.preset or (["base"] if arguments.gpu else ["mini", "small"])
    arguments.length = arguments.length or ([512] if arguments.gpu else [128, 512])
    arguments.slots = arguments.slots or (131072 if arguments.gpu else 2048)
    if not arguments.gpu:
        pin_to_one_core()
    if arguments.side:
        side = peer if arguments.side == "peer" else ours
        print(json.dumps(side(arguments, arguments.preset[0], arguments.length[0])))
        return
    for preset in arguments.preset:
        for length in arguments.length:
            sides = ("peer", "ours", "ours-bf16") if arguments.bf16 else ("peer", "ours")
            runs = [
                {side: in_process(arguments, side, preset, length) for side in sides} for _ in range(arguments.repeats)
            ]
            print((report_gpu if arguments.gpu else report)(preset, length, runs), flush=True)


def gpu_name() -> str | None:
    """Return the name of the first NVIDIA GPU."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def in_process(arguments: argparse.Namespace, side: str, preset: str, length: int) -> dict[str, Any]:
    """Return one side's figures, measured in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--preset", preset, "--length", str(length)]
    for name in ("tokens", "slots", "steps", "micro"):
        command += [f"--{name}", str(getattr(arguments, name))]
    command += ["--gpu"] * arguments.gpu + ["--torch-compile"] * arguments.torch_compile
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def middle(runs: list[dict[str, dict[str, Any]]], side: str, name: str) -> float:
    """Return the median of a figure over the runs."""
    return statistics.median(run[side][name] for run in runs)


def memory(runs: list[dict[str, dict[str, Any]]]) -> str:
    """Return both sides' largest memory."""
    return f"peak {middle(runs, 'ours', 'peak_mb'):.0f} MB, transformers {middle(runs, 'peer', 'peak_mb'):.0f} MB"


def report(preset: str, length: int, runs: list[dict[str, dict[str, Any]]]) -> str:
    """Return the lines of a preset and a length on a CPU."""
    ratios = sorted(run["peer"]["seconds"] / run["ours"]["seconds"] for run in runs)
    rate, best = (middle(runs, "ours", name) / 1e9 for name in ("flops_per_second", "ceiling"))
    share = statistics.median(run["ours"]["flops_per_second"] / run["ours"]["ceiling"] for run in runs)
    seconds = {side: middle(runs, side, "seconds") * 1e3 for side in runs[0]}
    lines = [
        f"{preset} length {length} vocabulary {runs[0]['ours']['vocabulary']}: ours {seconds['ours']:.0f} ms a step, "
        f"transformers {seconds['peer']:.0f} ms: {statistics.median(ratios):.2f} x the step rate "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(runs)} pairs)",
        f"  {memory(runs)}; stall {middle(runs, 'ours', 'stall'):.2%}; products {rate:.0f} of {best:.0f} GFLOP/s "
        f"({share:.0%})",
    ]
    if "ours-bf16" in seconds:
        bf16 = statistics.median(run["peer"]["seconds"] / run["ours-bf16"]["seconds"] for run in runs)
        lines.append(f"  ours with bf16: {seconds['ours-bf16']:.0f} ms, {bf16:.2f} x")
    return "\n".join(lines)


def report_gpu(preset: str, length: int, runs: list[dict[str, dict[str, Any]]]) -> str:
    """Return the lines of a preset and a length on a GPU."""
    rates = {side: middle(runs, side, "tokens") / middle(runs, side, "seconds") for side in ("peer", "ours")}
    mfu = middle(runs, "ours", "flops_per_second") / middle(runs, "ours", "ceiling")
    lines = [
        f"{gpu_name()}, {preset} length {length} bf16: ours {rates['ours']:,.0f} tokens/s ({mfu:.1%} MFU), "
        f"transformers {rates['peer']:,.0f} tokens/s: {rates['ours'] / rates['peer']:.2f} x",
        f"  {memory(runs)}; stall {middle(runs, 'ours', 'stall'):.2%}",
    ]
    return "\n".join(lines)


def clock(arguments: argparse.Namespace) -> float:
    """Return processor seconds, or with a GPU wall seconds once it has done all that it was given."""
    if not arguments.gpu:
        return time.process_time()
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def peak_mb(arguments: argparse.Namespace) -> float:
    """Return the largest memory so far: of the GPU, or of the process."""
    if arguments.gpu:
        import torch

        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(arguments: argparse.Namespace, preset: str, length: int) -> dict[str, Any]:
    """Train by the parts of ``macbert pretrain``."""
    import torch

    torch.set_num_threads(1)
    from macbert.modeling import build_model, set_dropout
    from macbert.pretraining.batches import Control, StepRows, step_loader
    from macbert.pretraining.devices import build_accelerator
    from macbert.pretraining.flops import peak_flops
    from macbert.pretraining.inputs import open_inputs
    from macbert.pretraining.training import Training

    batch, total = arguments.slots // length, arguments.steps + WARM_UP
    config = _config(arguments, preset, length, batch)
    inputs = open_inputs(config, verify=False)
    accelerator = build_accelerator(config)
    model = build_model(preset, inputs.tokenizer.vocab_size, max_length=length)
    set_dropout(model, 0.0)
    training = Training(config, accelerator, model, total, Control())
    training.model.train()
    loader = step_loader(StepRows(inputs.streams, training.plan, 0, 1), 0, total, config.num_workers)
    steps, waits, flops = [], [], []
    for _ in range(total):
        began = clock(arguments)
        rows = next(loader)
        waits.append(clock(arguments) - began)
        training.train_step(rows, stop=False)
        steps.append(clock(arguments) - began)
        flops.append(training.step_flops)
    seconds = statistics.median(steps[WARM_UP:])
    return {
        "seconds": seconds,
        "tokens": training.counters.tokens / total,
        "stall": statistics.median(waits[WARM_UP:]) / seconds,
        "peak_mb": peak_mb(arguments),
        "vocabulary": inputs.tokenizer.vocab_size,
        "flops_per_second": statistics.median(flops[WARM_UP:]) / seconds,
        "ceiling": peak_flops(accelerator.device, accelerator.mixed_precision),
    }


def _config(arguments: argparse.Namespace, preset: str, length: int, batch: int) -> Any:
    from macbert.pretraining.config import PretrainConfig

    return PretrainConfig(
        data=[arguments.tokens],
        output=tempfile.mkdtemp(),
        model=preset,
        max_length=length,
        global_batch_size=batch,
        per_device_train_batch_size=arguments.micro if arguments.gpu else batch,
        mixed_precision="bf16" if arguments.gpu or arguments.side == "ours-bf16" else "no",
        torch_compile=arguments.torch_compile,
        num_workers=2 if arguments.gpu else 0,
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
    micro = min(batch, arguments.micro) if arguments.gpu else batch
    marks = [clock(arguments)]

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            marks.append(clock(arguments))

    with tempfile.TemporaryDirectory() as output:
        training = TrainingArguments(
            output_dir=output,
            max_steps=total,
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=batch // micro,
            bf16=arguments.gpu,
            torch_compile=arguments.torch_compile,
            optim="adamw_torch_fused",
            remove_unused_columns=False,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=not arguments.gpu,
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
        "tokens": batch * length,
        "peak_mb": peak_mb(arguments),
    }


if __name__ == "__main__":
    main()
