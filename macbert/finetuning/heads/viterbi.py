"""The best sequence of labels under transition scores (Viterbi 1967)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_path(
    emissions_TY: NDArray[np.float32],
    steps_YY: NDArray[np.float32],
    start_Y: NDArray[np.float32],
    end_Y: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Return the label of each token: (T,).

    Args:
        emissions_TY: score of each label at each token.
        steps_YY: score of label b after label a, at [a, b].
        start_Y: score of a label at the first token.
        end_Y: score of a label at the last token.

    >>> best_path(np.array([[1, 0], [0, 1]]), np.array([[0, -9], [0, 0]]), np.zeros(2), np.zeros(2))
    array([0, 0])
    """
    if not len(emissions_TY):
        return np.zeros(0, np.int64)
    score = start_Y + emissions_TY[0]
    came_from = np.zeros(emissions_TY.shape, np.int64)
    for place in range(1, len(emissions_TY)):
        options = score[:, None] + steps_YY
        came_from[place] = options.argmax(0)
        score = options.max(0) + emissions_TY[place]
    best = np.zeros(len(emissions_TY), np.int64)
    best[-1] = int((score + end_Y).argmax())
    for place in range(len(emissions_TY) - 1, 0, -1):
        best[place - 1] = came_from[place, best[place]]
    return best
