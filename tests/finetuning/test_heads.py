from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from macbert.finetuning.bio import bio_labels
from macbert.finetuning.heads import CRF, PairHead, PointerHead, sparse_multilabel_loss
from macbert.finetuning.heads.crf import bio_steps
from macbert.finetuning.heads.pointer import rotate, text_positions

# B = batch, L = tokens, D = hidden, H = labels, Y = tags


def dense_loss(scores: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The definition, in float64."""
    scores = scores.double()
    positive = (-scores).masked_fill(~right, -torch.inf)
    negative = scores.masked_fill(right, -torch.inf)
    zero = scores.new_zeros(*scores.shape[:-1], 1)
    return torch.cat([positive, zero], -1).logsumexp(-1) + torch.cat([negative, zero], -1).logsumexp(-1)


def test_the_sparse_loss_equals_its_definition() -> None:
    torch.manual_seed(0)
    scores = 3 * torch.randn(2, 3, 50)
    scores[..., 40:] = -torch.inf
    positives = torch.tensor([[[3, 7, -1], [-1, -1, -1], [0, 1, 39]], [[5, -1, -1], [6, 7, 8], [-1, -1, -1]]])
    right = torch.zeros(2, 3, 50, dtype=torch.bool)
    for b, h, k in itertools.product(range(2), range(3), range(3)):
        if positives[b, h, k] >= 0:
            right[b, h, positives[b, h, k]] = True
    torch.testing.assert_close(sparse_multilabel_loss(scores, positives).double(), dense_loss(scores, right))


@pytest.mark.parametrize("confident", [8.0, 16.0, 20.0, 60.0])
def test_negatives_still_learn_when_positives_are_confident(confident: float) -> None:
    # The setting of the known float32 trap: 16,384 candidates near -8, two positives.
    torch.manual_seed(0)
    scores = torch.full((1, 1, 16384), -8.0) + 0.1 * torch.randn(16384)
    scores[..., :2] = confident
    right = torch.zeros(1, 1, 16384, dtype=torch.bool)
    right[..., :2] = True
    exact = scores.double().requires_grad_()
    ours = scores.clone().requires_grad_()
    dense_loss(exact, right).sum().backward()
    sparse_multilabel_loss(ours, torch.tensor([[[0, 1]]])).sum().backward()
    assert exact.grad is not None
    assert ours.grad is not None
    assert exact.grad[..., 2:].min() > 1e-6
    torch.testing.assert_close(ours.grad.double(), exact.grad, rtol=1e-4, atol=1e-12)
    torch.testing.assert_close(
        sparse_multilabel_loss(scores, torch.tensor([[[0, 1]]])).double(), dense_loss(scores, right), rtol=1e-5, atol=0
    )


def test_pointer_scores_equal_the_formula_written_out() -> None:
    torch.manual_seed(0)
    head, hidden = PointerHead(12, 3, size=8), torch.randn(2, 5, 12)
    valid = torch.tensor([[False, True, True, True, False], [False, True, False, False, False]])
    scores = head(hidden, valid)
    for b, h, i, j in itertools.product(range(2), range(3), range(5), range(5)):
        if not (valid[b, i] and valid[b, j] and i <= j):
            assert scores[b, h, i, j] == -torch.inf
            continue
        q, k = head.project(hidden[b]).chunk(2, -1)
        both = torch.cat([q, k], -1)
        u, v = head.bias.weight.chunk(2)
        bias = head.bias.bias.chunk(2)
        linear = u[h] @ both[i] + bias[0][h] + v[h] @ both[j] + bias[1][h]
        expected = rotate(q[None])[0, i] @ rotate(k[None])[0, j] / 8**0.5 + linear
        torch.testing.assert_close(scores[b, h, i, j], expected)


def test_rotation_makes_products_depend_on_distance_only_and_keeps_lengths() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(8), torch.randn(8)
    turned_q, turned_k = (rotate(x.expand(1, 10, 8))[0] for x in (q, k))
    products = turned_q @ turned_k.T
    for distance in range(-4, 5):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(turned_q.norm(dim=-1), q.norm().expand(10))
    assert products.diagonal(1)[0] != pytest.approx(products.diagonal(2)[0])


def test_pairs_may_stand_in_any_order_and_do_not_see_distance() -> None:
    torch.manual_seed(0)
    head, hidden = PairHead(12, 2, size=8), torch.randn(1, 4, 12)
    valid = torch.ones(1, 4, dtype=torch.bool)
    scores = head(hidden, valid)
    assert scores.isfinite().all()
    order = [2, 0, 3, 1]
    torch.testing.assert_close(head(hidden[:, order], valid), scores[:, :, order][:, :, :, order])


def test_special_tokens_and_padding_are_no_text() -> None:
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    assert text_positions(mask).tolist() == [[False, True, True, False], [False] * 4]


@pytest.fixture
def crf() -> CRF:
    torch.manual_seed(0)
    made = CRF(*bio_steps(bio_labels(["x", "y"])))
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made.requires_grad_(False)


def legal_paths(length: int) -> list[tuple[int, ...]]:
    begins, follows = bio_steps(bio_labels(["x", "y"]))
    return [
        path
        for path in itertools.product(range(5), repeat=length)
        if begins[path[0]] and all(follows[a, b] for a, b in itertools.pairwise(path))
    ]


def path_score(crf: CRF, emissions: torch.Tensor, path: tuple[int, ...]) -> float:
    moves = sum(float(crf.transitions[a, b]) for a, b in itertools.pairwise(path))
    own = sum(float(emissions[place, label]) for place, label in enumerate(path))
    return float(crf.start[path[0]]) + moves + own + float(crf.end[path[-1]])


@pytest.mark.parametrize("length", [1, 2, 4])
def test_the_likelihood_is_that_of_summing_over_every_legal_path(crf: CRF, length: int) -> None:
    emissions = torch.randn(1, 4, 5)
    paths = legal_paths(length)
    scores = torch.tensor([path_score(crf, emissions[0], path) for path in paths])
    for path, score in list(zip(paths, scores, strict=True))[:: max(1, len(paths) // 10)]:
        labels = torch.zeros(1, 4, dtype=torch.long)
        labels[0, :length] = torch.tensor(path)
        ours = crf(emissions, labels, torch.tensor([length]))
        torch.testing.assert_close(ours[0], scores.logsumexp(0) - score, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_the_decoded_path_is_the_best_legal_one(crf: CRF, seed: int) -> None:
    emissions = torch.from_numpy(np.random.default_rng(seed).normal(size=(5, 5)).astype(np.float32))
    best = max(legal_paths(5), key=lambda path: path_score(crf, emissions, path))
    assert tuple(crf.decode(emissions.numpy()).tolist()) == best


def test_an_inside_tag_is_never_decoded_where_nothing_began_however_high_it_scores(crf: CRF) -> None:
    emissions = np.zeros((3, 5), np.float32)
    emissions[:, 2] = 50
    assert crf.decode(emissions).tolist() == [1, 2, 2]
    assert crf.decode(np.zeros((0, 5), np.float32)).tolist() == []
