"""Rows of made-up tokens, packed and single, and both kinds of encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from macbert.modeling import build_model, set_dropout

VOCAB = 200


@pytest.fixture(scope="session", params=["bert", "eurobert"])
def either(request: pytest.FixtureRequest) -> Any:
    """A tiny encoder of each kind."""
    made = build_model("tiny", VOCAB, encoder=request.param, init_seed=1)
    set_dropout(made, 0.0)
    return made


@pytest.fixture(scope="session")
def packed_rows() -> Callable[..., dict[str, torch.Tensor]]:
    """``packed_rows(rows=3, seed=0)``."""
    return _packed_rows


@pytest.fixture(scope="session")
def one_piece_rows() -> Callable[..., dict[str, torch.Tensor]]:
    """``one_piece_rows(rows=4, seed=0)``."""
    return _one_piece_rows


@pytest.fixture(scope="session")
def as_dense_labels() -> Callable[[dict[str, torch.Tensor]], torch.Tensor]:
    """The labels of a batch at every position."""
    return _as_dense_labels


def _packed_rows(rows: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    """Rows of 32 tokens: two pieces of 14 and 12 and six of padding; four chosen tokens, the last slot unused."""
    draw = torch.Generator().manual_seed(seed)
    input_ids = torch.randint(5, VOCAB, (rows, 32), generator=draw)
    piece_ids = torch.tensor([1] * 14 + [2] * 12 + [0] * 6).expand(rows, -1)
    position_ids = torch.tensor([*range(14), *range(12), *range(6)]).expand(rows, -1)
    token_type_ids = torch.tensor([0] * 7 + [1] * 7 + [0] * 5 + [1] * 7 + [0] * 6).expand(rows, -1)
    masked_positions = torch.tensor([2, 9, 15, 20, 0]).expand(rows, -1)
    masked_labels = torch.randint(5, VOCAB, (rows, 5), generator=draw)
    masked_labels[:, -1] = -100
    sop_labels = torch.randint(0, 2, (rows, 3), generator=draw)
    sop_labels[:, -1] = -100
    return {
        "input_ids": input_ids.masked_fill(piece_ids == 0, 0),
        "token_type_ids": token_type_ids,
        "position_ids": position_ids,
        "piece_ids": piece_ids,
        "masked_positions": masked_positions,
        "masked_labels": masked_labels,
        "cls_positions": torch.tensor([0, 14, 0]).expand(rows, -1),
        "sop_labels": sop_labels,
    }


def _one_piece_rows(rows: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    batch = _packed_rows(rows, seed)
    batch["piece_ids"] = torch.tensor([1] * 26 + [0] * 6).expand(rows, -1)
    batch["position_ids"] = torch.arange(32).expand(rows, -1)
    batch["cls_positions"] = torch.zeros(rows, 1, dtype=torch.int64)
    batch["sop_labels"] = batch["sop_labels"][:, :1]
    return batch


def _as_dense_labels(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    labels = torch.full_like(batch["input_ids"], -100)
    used = batch["masked_labels"] != -100
    rows = torch.arange(len(labels))[:, None].expand_as(used)
    labels[rows[used], batch["masked_positions"][used]] = batch["masked_labels"][used]
    return labels
