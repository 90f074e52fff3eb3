"""Attention that stays inside a piece: several documents may share a row and never see each other."""

# B = batch, L = tokens of a row

from __future__ import annotations

import torch


def piece_attention_mask(piece_ids_BL: torch.Tensor) -> torch.Tensor:
    """Return which token may look at which: (batch, 1, length, length) bool, True inside a piece only.

    transformers takes a four-dimensional mask as it is; its own packed-row detector does nothing for a bidirectional
    sdpa mask, so that packed pieces would see each other silently.

    Padding (piece 0) sees padding: no row of the mask is empty, so no softmax is over nothing.

    >>> piece_attention_mask(torch.tensor([[1, 1, 2]]))[0, 0].int().tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    return piece_ids_BL[:, None, :, None] == piece_ids_BL[:, None, None, :]
