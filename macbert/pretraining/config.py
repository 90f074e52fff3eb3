"""Everything that a pretraining run is told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from corpus.errors import Problem, UserError
from macbert.masking.config import MacMasking


@dataclass(kw_only=True)
class PretrainConfig:
    """One pretraining run. A step is ``global_batch_size`` rows, however many processes share them."""

    data: list[str]
    """Folders of encoded documents (macbert tokenizer encode), each with an optional weight: DIR or DIR:WEIGHT. Without
    weights, corpora are mixed by size; weights are shares of rows, and need not sum to 1. hf:OWNER/NAME and
    modelscope:OWNER/NAME are downloaded."""

    output: str
    """Folder of the run: the final model, log.jsonl, loss.png, loss.html and checkpoint-N/ folders."""

    model: str = "mini"
    """A size to start from random weights (tiny, mini, small, base, large, or layers and hidden size as in 2x192), or a
    folder or hub name of a BERT or of another encoder with a masked-token head to go on from."""

    encoder: Literal["bert", "eurobert"] = "bert"
    """What a size is built as: bert, or eurobert (the LLaMA recipe: pre-norm RMSNorm, SwiGLU, rotary positions)."""

    similar: str | None = None
    """Folder with a similar-word table; default: the one beside the tokenizer of the first corpus."""

    masking: MacMasking = field(default_factory=MacMasking)
    """How tokens are chosen and replaced."""

    sentence_prediction: Literal["sop", "nsp", "none"] = "sop"
    """What [CLS] learns: sop, whether two segments changed places (sentence order, MacBERT); nsp, whether the second is
    from another document (next sentence, BERT); none: nothing."""

    max_steps: int | None = None
    """Steps to train; default: as many as num_train_epochs need."""

    num_train_epochs: float = 1.0
    """Passes over all rows where max_steps is not given."""

    max_length: int = 128
    """Tokens of a row, special tokens included."""

    global_batch_size: int = 64
    """Rows of one step, over all processes."""

    per_device_train_batch_size: int = 32
    """Rows that go through the model at once on one process; changes memory and speed, not the result."""

    per_device_eval_batch_size: int = 32
    """The same for evaluation."""

    batch_warmup: float = 0.0
    """Steps in which a step's rows grow from batch_warmup_start to global_batch_size by doubling, in stages of equal
    length; below 1, a share of all steps."""

    batch_warmup_start: int = 16
    """Rows of the first steps of the batch warm-up; global_batch_size is this times a power of two."""

    length_warmup: float = 0.0
    """Steps that begin a run with short rows, and as many more of them; below 1, a share of all steps."""

    length_warmup_start: int = 128
    """Tokens of a row of the length warm-up; max_length is a multiple of it."""

    optim: Literal["adamw", "lamb"] = "adamw"
    """AdamW (fused), or LAMB, the paper's, whose learning rate is a share of each matrix's norm."""

    learning_rate: float = 5e-4
    """Highest learning rate."""

    warmup: float = 0.06
    """Steps of linear warm-up; below 1, a share of all steps."""

    schedule: Literal["linear", "cosine", "wsd", "constant"] = "linear"
    """How the learning rate goes after warm-up: to zero in a line or a half cosine, constant with a linear fall over
    the last wsd_decay of the steps, or constant."""

    wsd_decay: float = 0.1
    """Share of all steps in which the wsd schedule falls to zero."""

    weight_decay: float = 0.01
    """Decoupled weight decay of matrices; biases and LayerNorm have none."""

    adam_beta1: float = 0.9
    """Decay of AdamW's first moment."""

    adam_beta2: float = 0.98
    """Decay of AdamW's second moment; lower than Adam's 0.999, since large sparse embeddings move in bursts."""

    adam_epsilon: float = 1e-6
    """AdamW's epsilon, BERT's value."""

    max_grad_norm: float = 1.0
    """Gradients are scaled down to this Euclidean norm; 0 turns clipping off."""

    max_skipped_in_a_row: int = 3
    """Steps in a row whose gradient is not finite before the run goes back to its last checkpoint, past these rows."""

    max_rollbacks: int = 3
    """Times a run goes back before it stops with an error."""

    dropout: float = 0.0
    """Dropout while pretraining; the saved config.json keeps the model's own value for fine-tuning."""

    seed: int = 0
    """Of the order, the masks, the second segments and dropout."""

    init_seed: int = 0
    """Of random initial weights."""

    mixed_precision: Literal["auto", "no", "bf16", "fp16"] = "auto"
    """Arithmetic of the matrix products; auto is bf16 where the machine has it in hardware (GPU, or a CPU with AMX or
    AVX512-BF16), else no. Weights and optimiser stay in float32."""

    parallel: Literal["ddp", "fsdp"] = "ddp"
    """How several processes share a run: ddp, each holds the whole model; fsdp (FSDP2), each holds a part of weights,
    gradients and optimiser. accelerate launch --use_fsdp is the same as fsdp; with --use_deepspeed each holds a part of
    the optimiser (ZeRO 1), or of it and of gradients (ZeRO 2)."""

    torch_compile: bool = False
    """Compile the model (torch.compile; shapes never change): faster on a GPU after a minute or more of compiling."""

    num_workers: int = 0
    """Processes that prepare batches beside each training process; changes no batch."""

    logging_steps: int = 10
    """Steps between lines of log.jsonl."""

    eval_steps: int | None = None
    """Steps between evaluations on held-out documents; default: only at the end."""

    eval_data: str | None = None
    """Folder of held-out documents; default: the ones reserved inside each corpus of --data."""

    eval_rows: int = 1024
    """At most this many rows per held-out corpus; always the same rows with the same masks."""

    save_steps: int | None = None
    """Steps between checkpoints; default: a tenth of the run. The last step is always saved."""

    save_total_limit: int | None = 2
    """How many of the newest checkpoints are kept; none: all."""

    save_keep_every: int | None = None
    """Checkpoints at multiples of this many steps are kept whatever save_total_limit says."""

    resume: Literal["auto", "never"] = "auto"
    """auto goes on from the newest checkpoint in output whose hashes are right; never needs an empty output."""

    allow_change: list[str] = field(default_factory=list)
    """Settings or inputs that may differ from the checkpoint's, by the names that the refusal gives (max_steps ...)."""

    verify_data: bool = True
    """Whether the hashes of the encoded corpora are checked before training; about a second a gigabyte."""

    deterministic: Literal["off", "strict"] = "off"
    """strict: the same bits of weights and optimiser for any number of processes that divides strict_slots, in float32
    and with one thread a process; slower."""

    strict_slots: int = 8
    """Slots into which strict cuts every step; a power of two that divides global_batch_size."""

    trackers: list[str] = field(default_factory=lambda: ["tensorboard"])
    """Where accelerate reports to besides log.jsonl: tensorboard, wandb, swanlab ...; none: an empty list."""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            UserError: with all that is wrong.
        """
        problems = [
            Problem(f"--{name.replace('_', '-')}", expected, repr(getattr(self, name)), "mend the value")
            for name, expected, holds in self._rules()
            if not holds
        ]
        for entry in self.data:
            _, colon, weight = entry.rpartition(":")
            if colon and _is_number(weight) and not float(weight) > 0:
                problems.append(Problem("--data", "a weight above 0", entry, "mend the weight"))
        times = self.global_batch_size / max(1, self.batch_warmup_start)
        if self.batch_warmup and (times < 1 or not math.log2(times).is_integer()):
            expected = f"--global-batch-size {self.global_batch_size} divided by a power of two"
            problems.append(Problem("--batch-warmup-start", expected, str(self.batch_warmup_start), "mend the value"))
        if self.length_warmup and (self.length_warmup_start < 8 or self.max_length % self.length_warmup_start):
            expected = f"at least 8, and a divisor of --max-length {self.max_length}"
            problems.append(Problem("--length-warmup-start", expected, str(self.length_warmup_start), "mend the value"))
        if self.deterministic == "strict":
            slots = self.strict_slots
            if slots < 1 or slots & (slots - 1) or self.global_batch_size % slots:
                expected = f"a power of two that divides --global-batch-size {self.global_batch_size}"
                problems.append(Problem("--strict-slots", expected, str(slots), "change one of the two"))
            if self.mixed_precision not in ("auto", "no"):
                fix = "drop one of the two"
                expected = "no (--deterministic strict is float32)"
                problems.append(Problem("--mixed-precision", expected, self.mixed_precision, fix))
        if problems:
            raise UserError(*problems)

    def _rules(self) -> list[tuple[str, str, bool]]:
        return [
            ("data", "at least one folder", bool(self.data) and all(self.data)),
            ("output", "a folder", bool(self.output)),
            ("max_steps", "a number of steps, at least 1", self.max_steps is None or self.max_steps >= 1),
            ("num_train_epochs", "more than 0", 0 < self.num_train_epochs < math.inf),
            ("max_length", "8 to 65536 tokens", 8 <= self.max_length <= 65536),
            ("global_batch_size", "at least 1", self.global_batch_size >= 1),
            ("per_device_train_batch_size", "at least 1", self.per_device_train_batch_size >= 1),
            ("per_device_eval_batch_size", "at least 1", self.per_device_eval_batch_size >= 1),
            ("batch_warmup", "a share below 1 or a number of steps", 0 <= self.batch_warmup < math.inf),
            ("batch_warmup_start", "at least 1", self.batch_warmup_start >= 1),
            ("length_warmup", "a share below 1 or a number of steps", 0 <= self.length_warmup < math.inf),
            ("length_warmup_start", "at least 8 tokens", self.length_warmup_start >= 8),
            ("learning_rate", "more than 0", 0 < self.learning_rate < math.inf),
            ("warmup", "a share below 1 or a number of steps", 0 <= self.warmup < math.inf),
            ("wsd_decay", "a share in (0, 1]", 0 < self.wsd_decay <= 1),
            ("weight_decay", "at least 0", 0 <= self.weight_decay < math.inf),
            ("adam_beta1", "in [0, 1)", 0 <= self.adam_beta1 < 1),
            ("adam_beta2", "in [0, 1)", 0 <= self.adam_beta2 < 1),
            ("adam_epsilon", "more than 0", self.adam_epsilon > 0),
            ("max_grad_norm", "at least 0", 0 <= self.max_grad_norm < math.inf),
            ("max_skipped_in_a_row", "at least 1", self.max_skipped_in_a_row >= 1),
            ("max_rollbacks", "at least 0", self.max_rollbacks >= 0),
            ("dropout", "in [0, 1)", 0 <= self.dropout < 1),
            ("seed", "0 to 2**63 - 1", 0 <= self.seed < 2**63),
            ("init_seed", "0 to 2**63 - 1", 0 <= self.init_seed < 2**63),
            ("num_workers", "at least 0", self.num_workers >= 0),
            ("logging_steps", "at least 1", self.logging_steps >= 1),
            ("eval_steps", "at least 1", self.eval_steps is None or self.eval_steps >= 1),
            ("eval_rows", "at least 1", self.eval_rows >= 1),
            ("save_steps", "at least 1", self.save_steps is None or self.save_steps >= 1),
            ("save_keep_every", "at least 1", self.save_keep_every is None or self.save_keep_every >= 1),
            ("save_total_limit", "at least 1", self.save_total_limit is None or self.save_total_limit >= 1),
        ]

    def corpora(self) -> list[tuple[str, float | None]]:
        """Return the folders of ``data`` with their weights; a colon that no number follows belongs to the path.

        >>> PretrainConfig(data=["news:2", "law"], output="runs/a").corpora()
        [('news', 2.0), ('law', None)]
        """
        pairs: list[tuple[str, float | None]] = []
        for entry in self.data:
            folder, colon, weight = entry.rpartition(":")
            pairs.append((folder, float(weight)) if colon and _is_number(weight) else (entry, None))
        return pairs


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
