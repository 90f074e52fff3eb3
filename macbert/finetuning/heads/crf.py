"""A linear-chain CRF whose forbidden steps are never taken (Lafferty et al. 2001).

# B = batch, L = tokens, Y = labels
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from macbert.finetuning.heads.viterbi import best_path

FORBIDDEN = -1e4
"""Added to a forbidden step: no sum of real scores makes up for it, and float32 still subtracts it exactly."""


def bio_steps(labels: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which labels may begin a text (Y,) and which may follow which (Y, Y), as bool.

    >>> bio_steps(["O", "B-x", "I-x"])[1].tolist()
    [[True, True, False], [True, True, True], [True, True, True]]
    """
    begins = torch.tensor([not label.startswith("I-") for label in labels])
    follows = torch.tensor([[not b.startswith("I-") or (a != "O" and a[2:] == b[2:]) for b in labels] for a in labels])
    return begins, follows


class CRF(nn.Module):
    """Transition scores between the labels of neighbouring tokens.

    Args:
        begins: (Y,) bool, labels that may begin a text.
        follows: (Y, Y) bool, ``follows[a, b]``: b may stand after a.
    """

    begins: torch.Tensor
    follows: torch.Tensor

    def __init__(self, begins: torch.Tensor, follows: torch.Tensor) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(follows.shape))
        self.start = nn.Parameter(torch.zeros(len(begins)))
        self.end = nn.Parameter(torch.zeros(len(begins)))
        self.register_buffer("begins", torch.where(begins, 0.0, FORBIDDEN), persistent=False)
        self.register_buffer("follows", torch.where(follows, 0.0, FORBIDDEN), persistent=False)

    def forward(self, emissions_BLY: torch.Tensor, labels_BL: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood of each row's labels: (B,) float32.

        Args:
            emissions_BLY: score of each label at each token; tokens begin at 0.
            labels_BL: the right labels; anything in ``0..Y-1`` after a row's end.
            lengths_B: tokens of each row, 1 or more.
        """
        emissions = emissions_BLY.float()
        steps = self.transitions + self.follows
        start = self.start + self.begins
        alive = torch.arange(emissions.shape[1], device=emissions.device) < lengths_B[:, None]
        rows = torch.arange(len(emissions), device=emissions.device)
        picked = emissions.gather(-1, labels_BL[..., None])[..., 0].masked_fill(~alive, 0).sum(-1)
        moves = steps[labels_BL[:, :-1], labels_BL[:, 1:]].masked_fill(~alive[:, 1:], 0).sum(-1)
        last = labels_BL[rows, lengths_B - 1]
        right = start[labels_BL[:, 0]] + picked + moves + self.end[last]
        total = start + emissions[:, 0]
        for place in range(1, emissions.shape[1]):
            longer = (total[:, :, None] + steps).logsumexp(1) + emissions[:, place]
            total = torch.where(alive[:, place, None], longer, total)
        return (total + self.end).logsumexp(-1) - right

    @torch.no_grad()
    def decode(self, emissions_TY: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the best label of each token of one text: (T,)."""
        arrays = (self.transitions + self.follows, self.start + self.begins, self.end)
        steps, start, end = (array.cpu().numpy() for array in arrays)
        return best_path(emissions_TY, steps, start, end)
