"""Hugging Face's Trainer with our scores: a model is judged by its decoded answers on the whole dev texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_model, save_model
from torch import nn
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import EarlyStoppingCallback, ProgressCallback

from macbert.finetuning.config import FinetuneConfig
from macbert.finetuning.forward import Progress

REFERENCE_HIDDEN, REFERENCE_RATE = 768, 3e-5
"""The paper's base encoder and one of its rates; narrower encoders take larger steps (rate x 768 / hidden)."""

HEAD_FACTOR = 10.0


class TaskTrainer(Trainer):
    """Trainer whose ``evaluate`` is a function from the model to named metrics."""

    def __init__(self, *arguments: Any, score: Callable[[nn.Module], Mapping[str, float]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._score = score

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Score the model as it is now, and tell the callbacks."""
        metrics = {
            f"{metric_key_prefix}_{name}": value for name, value in self._score(cast(nn.Module, self.model)).items()
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if isinstance(self.model, PreTrainedModel):
            super()._save(output_dir, state_dict)
            return
        # Trainer would refuse a model of ours whose parts share a weight (a tied vocabulary).
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        save_model(cast(nn.Module, self.model), str(folder / _WEIGHTS))

    def _load_best_model(self) -> None:
        if isinstance(self.model, PreTrainedModel):
            super()._load_best_model()
            return
        best = Path(str(self.state.best_model_checkpoint)) / _WEIGHTS
        load_model(cast(nn.Module, self.model), str(best), device=str(self.args.device))


_WEIGHTS = "model.safetensors"


class Journal(TrainerCallback):
    """Keeps what Trainer logs, and tells how far it is."""

    def __init__(self, label: str, progress: Progress | None) -> None:
        self.lines: list[dict[str, Any]] = []
        self._label, self._progress = label, progress

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Keep a line."""
        self.lines.append({"step": state.global_step, **(logs or {})})

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Tell a step."""
        if self._progress is not None:
            self._progress(self._label, state.global_step, state.max_steps)


def training_arguments(config: FinetuneConfig, *, folder: str, seed: int, metric: str, steps: int) -> TrainingArguments:
    """Return Trainer's arguments for one seed; ``steps`` is the whole run's length, for the warm-up."""
    warmup = config.warmup_steps if config.warmup_steps is not None else round(config.warmup_ratio * steps)
    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=config.num_train_epochs,
        max_steps=config.max_steps or -1,
        per_device_train_batch_size=config.per_device_train_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        warmup_steps=warmup,
        lr_scheduler_type=config.lr_scheduler_type,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        eval_strategy=config.eval_strategy,
        eval_steps=config.eval_steps,
        save_strategy=config.eval_strategy,
        save_steps=config.eval_steps or 500,
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{metric}",
        greater_is_better=True,
        logging_steps=config.logging_steps,
        seed=seed,
        bf16=config.bf16,
        report_to=config.report_to or "none",
        disable_tqdm=config.disable_tqdm,
        remove_unused_columns=False,
        train_sampling_strategy="group_by_length",
        dataloader_pin_memory=torch.cuda.is_available(),
        dataloader_drop_last=False,
        label_names=["labels"],
    )


def quiet_callbacks(trainer: Trainer, config: FinetuneConfig) -> None:
    """Take away what prints to the screen, and stop early if asked."""
    trainer.remove_callback(PrinterCallback)
    if config.disable_tqdm:
        trainer.remove_callback(ProgressCallback)
    if config.early_stopping_patience is not None:
        trainer.add_callback(EarlyStoppingCallback(config.early_stopping_patience))


def optimizer_groups(model: nn.Module, config: FinetuneConfig, hidden_size: int) -> list[dict[str, Any]]:
    """Return AdamW's parameter groups: encoder layers, each with its rate, and the head with its own.

    Biases and layer norms have no weight decay.
    """
    rate = config.learning_rate or REFERENCE_RATE * REFERENCE_HIDDEN / hidden_size
    head_rate = config.head_learning_rate or HEAD_FACTOR * rate
    encoder = _encoder_parameters(model)
    layers = 1 + max((_layer(name) for name in encoder.values()), default=0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        inner = encoder.get(id(parameter))
        own_rate = head_rate if inner is None else rate * config.layer_decay ** (layers - _layer(inner, layers))
        plain = parameter.ndim < 2 or "norm" in name.lower()
        groups.setdefault((own_rate, 0.0 if plain else config.weight_decay), []).append(parameter)
    return [{"params": params, "lr": lr, "weight_decay": decay} for (lr, decay), params in groups.items()]


def _encoder_parameters(model: nn.Module) -> dict[int, str]:
    encoder = getattr(model, "base_model", None) or model.encoder
    return {id(parameter): name for name, parameter in encoder.named_parameters()}  # type: ignore[union-attr]


def _layer(name: str, layers: int = 0) -> int:
    """Return 0 for embeddings, 1.. for encoder layers, ``layers`` for what lies above them (the pooler)."""
    parts = name.split(".")
    if "layer" in parts:
        return int(parts[parts.index("layer") + 1]) + 1
    return 0 if name.startswith("embeddings") else layers
