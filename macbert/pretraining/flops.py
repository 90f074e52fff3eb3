"""Floating-point operations of a step, and how many the machine could do: their ratio is MFU."""

from __future__ import annotations

import time

import torch
from torch import nn

from macbert.modeling import MacBertForPreTraining
from macbert.modeling.loading import PretrainingModel

# Dense bf16 or fp16 products a second, from the makers' data sheets, by a part of the name that CUDA gives.
_GPU_PEAKS = {
    "B200": 2250e12,
    "H200": 989e12,
    "H100": 989e12,
    "H800": 989e12,
    "A100": 312e12,
    "A800": 312e12,
    "L40": 181e12,
    "V100": 125e12,
}


class StepFlops:
    """Operations of training steps of one model, forward and backward: three times the forward ones.

    The formula, a multiplication and an addition counted as two: ``6 N + 12 layers h s + p (6 h V + 6 h h)`` a token,
    with N the weights of the encoder's matrix products, s the tokens of its own piece and p the share of chosen tokens.
    Our BERT makes only keys and values of every token in its last layer and the rest where a head reads, and what it
    does not do is not counted. Look-ups, padding, softmax and norms count as nothing.

    Args:
        model: without wrappers.
    """

    def __init__(self, model: PretrainingModel) -> None:
        is_bert = isinstance(model, MacBertForPreTraining)
        encoder = model.bert.encoder if isinstance(model, MacBertForPreTraining) else model.masked_lm.base_model
        head = model.cls.predictions if isinstance(model, MacBertForPreTraining) else model.masked_lm
        self.encoder_weights = _product_weights(encoder)
        self.head_weights = _product_weights(head) - (0 if is_bert else self.encoder_weights)
        self.hidden, self.layers = model.config.hidden_size, model.config.num_hidden_layers
        self.skipped_weights = 0
        if isinstance(model, MacBertForPreTraining):
            last = model.bert.encoder.layer[-1]
            self.skipped_weights = _product_weights(last) - 2 * self.hidden**2

    def of(self, *, tokens: float, pairs: float, chosen: float, pieces: float) -> float:
        """Return the operations of rows.

        Args:
            tokens: real tokens, [CLS] and [SEP] included.
            pairs: of tokens of the same piece, ordered, each token with itself included: the sum of squared lengths.
            chosen: tokens that are predicted.
            pieces: pieces, each with a [CLS] that the order head reads.
        """
        products = 6 * self.encoder_weights * tokens + 12 * self.layers * self.hidden * pairs
        if self.skipped_weights and tokens:
            unread = tokens - chosen - pieces
            products -= 6 * self.skipped_weights * unread + 12 * self.hidden * pairs * unread / tokens
        return products + 6 * self.head_weights * chosen


def peak_flops(device: torch.device, precision: str) -> float | None:
    """Return the operations a second that a device can do at most, or None where that is not known.

    A GPU's is its data sheet's for 16-bit products. A CPU's is measured: the best of some products of two 1024 x 1024
    matrices in the run's arithmetic, by processor time, on this process's threads (about 50 ms).
    """
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        return next((peak for part, peak in _GPU_PEAKS.items() if part in name), None)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = torch.rand(1024, 1024).to(dtype), torch.rand(1024, 1024).to(dtype)
    best = float("inf")
    with torch.no_grad():
        for _ in range(4):
            began = time.process_time()
            left @ right
            best = min(best, time.process_time() - began)
    return 2 * 1024**3 / best * torch.get_num_threads()


def _product_weights(module: nn.Module) -> int:
    return sum(part.weight.numel() for part in module.modules() if isinstance(part, nn.Linear))
