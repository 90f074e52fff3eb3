"""What fine-tuning, evaluation and prediction can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from corpus.errors import Problem, UserError

TaskName = Literal["classify", "ner", "relation", "event", "mrc", "correct"]


@dataclass(kw_only=True)
class FinetuneConfig:
    """One fine-tuning; names are Hugging Face's TrainingArguments' where one exists."""

    task: TaskName
    """What to learn: classify (texts or pairs), ner (names), relation, event, mrc (reading), correct (spelling)."""

    model: str
    """Folder of an encoder: a pretraining run, or any BERT checkpoint with config.json, weights and vocabulary."""

    train: str
    """Labelled texts to learn from: JSON lines, plain or .gz/.zst."""

    dev: str
    """Labelled texts by which the best model is chosen; never learnt from."""

    output: str
    """Folder for the best model; with several seeds also seed-N/ for each."""

    max_train_samples: int | None = None
    """Learn from the first so many training texts only; default: all."""

    max_eval_samples: int | None = None
    """Choose the best model by the first so many dev texts only; default: all."""

    unseen_dev_labels: Literal["refuse", "miss"] = "refuse"
    """Labels in dev that the training texts lack: refuse to start (likely a slip), or count them as missed."""

    init: Literal["pretrained", "random"] = "pretrained"
    """Start from the encoder's weights, or from random ones of the same shape (to see what pretraining is worth)."""

    head: Literal["auto", "bio", "crf", "pointer"] = "auto"
    """For ner: token labels, token labels with a CRF, or pointers (nested names too); auto is bio."""

    seeds: int = 1
    """How many seeds to train, one after the other; the best on dev becomes the result, mean and spread are told."""

    seed: int = 0
    """First seed: initial head weights, order and dropout."""

    max_length: int = 256
    """Tokens of a window, special tokens included; longer texts are slid over."""

    stride: int = 64
    """Tokens that two windows of a long text share; let it be longer than the longest name."""

    learning_rate: float | None = None
    """Peak rate of the encoder; default: 3e-5 x 768 / its hidden units, so that narrow encoders take larger steps."""

    head_learning_rate: float | None = None
    """Peak rate of what sits on the encoder; default: 10 x learning_rate, for a head starts from nothing."""

    layer_decay: float = 1.0
    """Factor of the learning rate from each encoder layer to the one below it; 1 treats all alike."""

    num_train_epochs: float = 3.0
    """Passes over the training texts."""

    max_steps: int | None = None
    """Steps to train, instead of num_train_epochs."""

    per_device_train_batch_size: int = 32
    """Windows of a step on each device."""

    gradient_accumulation_steps: int = 1
    """Batches that make one step."""

    warmup_ratio: float = 0.1
    """Share of the steps in which the rate rises."""

    warmup_steps: int | None = None
    """Steps in which the rate rises, instead of warmup_ratio."""

    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    """How the rate falls."""

    weight_decay: float = 0.01
    """Of all weights but biases and layer norms."""

    max_grad_norm: float = 1.0
    """Longest gradient; longer ones are shortened."""

    eval_strategy: Literal["epoch", "steps"] = "epoch"
    """When to score on dev."""

    eval_steps: int | None = None
    """Steps between two scores with eval_strategy steps."""

    metric_for_best_model: str | None = None
    """Metric on dev by which the best model is chosen; default: the task's first."""

    early_stopping_patience: int | None = None
    """Stop after this many scores without a better one; default: never."""

    class_weights: Literal["none", "balanced"] = "none"
    """For classify: balanced weighs classes by the inverse of their frequency."""

    detection_weight: float = 0.0
    """For correct: weight of the loss of a second head that says where the mistakes are; 0 leaves it out."""

    mask_probability: float = 0.0
    """For correct: share of right characters that are masked while training (0.2 to 0.3 against over-correction)."""

    confusion: str | None = None
    """For correct: file with the characters that may replace one, a line each: 字<TAB>candidates; default: all."""

    bf16: bool = False
    """Train in bfloat16 mixed precision (GPU)."""

    logging_steps: int = 50
    """Steps between two lines of log.jsonl."""

    report_to: list[str] = field(default_factory=list)
    """Trackers to report to, as in TrainingArguments (tensorboard, wandb, swanlab); default: none."""

    disable_tqdm: bool = True
    """Leave out the Trainer's own progress bar."""

    def __post_init__(self) -> None:
        problems = _positive(
            self,
            "seeds",
            "max_train_samples",
            "max_eval_samples",
            "num_train_epochs",
            "max_steps",
            "per_device_train_batch_size",
            "gradient_accumulation_steps",
            "learning_rate",
            "head_learning_rate",
            "max_grad_norm",
            "eval_steps",
            "early_stopping_patience",
            "logging_steps",
        )
        problems += _window(self.max_length, self.stride)
        for name in ("warmup_ratio", "mask_probability"):
            if not 0 <= getattr(self, name) <= 1:
                problems.append(Problem(_flag(name), "a share from 0 to 1", str(getattr(self, name)), "mend the value"))
        if not 0 < self.layer_decay <= 1:
            problems.append(Problem("--layer-decay", "a factor in (0, 1]", str(self.layer_decay), "mend the value"))
        for name in ("weight_decay", "detection_weight", "seed", "warmup_steps"):
            if (value := getattr(self, name)) is not None and value < 0:
                problems.append(Problem(_flag(name), "0 or more", str(value), "mend the value"))
        if self.head != "auto" and self.task != "ner":
            problems.append(Problem("--head", f"none for task {self.task}", self.head, "leave it out"))
        if self.eval_strategy == "steps" and self.eval_steps is None:
            problems.append(Problem("--eval-steps", "a number with --eval-strategy steps", "none", "pass --eval-steps"))
        if problems:
            raise UserError(*problems)


@dataclass(kw_only=True)
class EvaluateConfig:
    """One scoring of a fine-tuned model."""

    task: TaskName
    """The task that the model was fine-tuned for (or correct, which a pretrained encoder can do untrained)."""

    model: str
    """Folder of the fine-tuned model."""

    data: str
    """Labelled texts: JSON lines, plain or .gz/.zst."""

    output: str | None = None
    """File for the predictions, in the annotation format."""

    report: str | None = None
    """File for an error report (HTML): missed, spurious, confused, with the texts."""

    max_batch_tokens: int | None = None
    """Tokens that go through the model at once, which changes memory and speed only; default: what the cache holds."""

    threshold: float | None = None
    """For correct: probability that a replacement must reach; default: the one chosen on dev."""

    def __post_init__(self) -> None:
        problems = _positive(self, "max_batch_tokens")
        if problems:
            raise UserError(*problems)


@dataclass(kw_only=True)
class PredictConfig:
    """Labels, names or corrections for texts without labels."""

    model: str
    """Folder of the fine-tuned model."""

    text: list[str] = field(default_factory=list)
    """Texts to read."""

    input: str | None = None
    """File of texts: JSON lines in the annotation format (labels are ignored), or a .txt file with one text a line."""

    output: str | None = None
    """File for the predictions, in the annotation format with scores; default: they are printed."""

    task: Literal["correct"] | None = None
    """Only for a pretrained encoder that was not fine-tuned: correct spelling with its own head."""

    schema: str | None = None
    """What to keep, as JSON in the form of UIE: ["人物", {"事件": ["时间", "地点"]}]; default: everything."""

    max_batch_tokens: int | None = None
    """Tokens that go through the model at once, which changes memory and speed only; default: what the cache holds."""

    def __post_init__(self) -> None:
        problems = _positive(self, "max_batch_tokens")
        if bool(self.text) == (self.input is not None):
            found = "both" if self.text else "neither"
            problems.append(Problem("--text, --input", "one of the two", found, "give texts or a file"))
        if any(not text for text in self.text):
            problems.append(Problem("--text", "texts with characters", "an empty string", "leave it out"))
        if problems:
            raise UserError(*problems)


def _positive(config: object, *names: str) -> list[Problem]:
    return [
        Problem(_flag(name), "a number above 0", str(value), "mend the value")
        for name in names
        if (value := getattr(config, name)) is not None and value <= 0
    ]


def _window(max_length: int, stride: int) -> list[Problem]:
    problems = []
    if max_length < 8:
        problems.append(Problem("--max-length", "8 tokens or more", str(max_length), "give a longer window"))
    if not 0 <= stride < max(1, max_length - 4):
        fix = "a window must move on by some tokens"
        problems.append(
            Problem("--stride", f"0 or more, and below max_length - 4 = {max_length - 4}", str(stride), fix)
        )
    return problems


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
