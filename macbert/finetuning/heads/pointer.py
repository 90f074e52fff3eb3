"""Scores of spans and of token pairs (EfficientGlobalPointer, Su 2022, kexue.fm/8877).

# B = batch, L = tokens, D = hidden, d = pointer size, H = labels

    s(h, i, j) = (R_i q_i) . (R_j k_j) / sqrt(d) + u_h . [q_i; k_i] + v_h . [q_j; k_j]

q and k are shared by all labels; R rotates by position (RoPE) in the first term only, since the second is linear.
"""

from __future__ import annotations

import torch
from torch import nn


class PointerHead(nn.Module):
    """A score for every span i <= j and label; a span is found where its score is above 0.

    Args:
        hidden_size: D.
        labels: H.
        size: d, even.
    """

    triangle = True
    rotate = True

    def __init__(self, hidden_size: int, labels: int, size: int = 64) -> None:
        super().__init__()
        self.size = size
        self.project = nn.Linear(hidden_size, 2 * size)
        self.bias = nn.Linear(2 * size, 2 * labels)

    def forward(self, hidden_BLD: torch.Tensor, valid_BL: torch.Tensor) -> torch.Tensor:
        """Return scores (B, H, L, L) float32, ``-inf`` where i or j is not a token of the text, or i > j."""
        both = self.project(hidden_BLD).float()
        query, key = both.chunk(2, -1)
        first, second = self.bias(both.to(self.bias.weight.dtype)).float().chunk(2, -1)
        if self.rotate:
            query, key = rotate(query), rotate(key)
        pair_BLL = query @ key.transpose(1, 2) / self.size**0.5
        scores = pair_BLL[:, None] + first.transpose(1, 2)[..., None] + second.transpose(1, 2)[:, :, None]
        allowed = valid_BL[:, :, None] & valid_BL[:, None]
        if self.triangle:
            allowed = allowed.triu()
        return scores.masked_fill(~allowed[:, None], -torch.inf)


class PairHead(PointerHead):
    """A score for every pair of tokens and label: which head (or tail) goes with which. No RoPE.

    Args:
        hidden_size: D.
        labels: H.
        size: d, even.
        ordered: whether (i, j) and (j, i) mean different things; if not, only i <= j is scored.
    """

    rotate = False

    def __init__(self, hidden_size: int, labels: int, size: int = 64, *, ordered: bool = True) -> None:
        super().__init__(hidden_size, labels, size)
        self.triangle = not ordered


def rotate(values_BLd: torch.Tensor) -> torch.Tensor:
    """Return the vectors rotated by their position, so that dot products depend on distance (RoPE)."""
    length, size = values_BLd.shape[1:]
    places = torch.arange(length, device=values_BLd.device, dtype=torch.float32)
    rates = 10_000 ** (-2 * torch.arange(size // 2, device=values_BLd.device, dtype=torch.float32) / size)
    # Not repeat_interleave: the ONNX graph that comes of it spoils a shape elsewhere (torch 2.13).
    angles = (places[:, None] * rates)[..., None].expand(-1, -1, 2).flatten(-2)
    turned = torch.stack([-values_BLd[..., 1::2], values_BLd[..., ::2]], -1).flatten(-2)
    return values_BLd * angles.cos() + turned * angles.sin()


def text_positions(attention_mask: torch.Tensor) -> torch.Tensor:
    """Return (B, L) bool: True at the tokens of a row ``[CLS] text [SEP]``, its two ends left out."""
    lengths = attention_mask.sum(-1, keepdim=True)
    places = torch.arange(attention_mask.shape[-1], device=attention_mask.device)
    return (places > 0) & (places < lengths - 1)
