"""docs/transformer.md says what its command measures; the small budget shows the same claims."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "docs" / "transformer.md", ROOT / "docs" / "transformer.zh.md")


@pytest.fixture(scope="module")
def evidence(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    return load_file(ROOT / "scripts" / "reproduce" / "transformer.py")


@pytest.fixture(scope="module")
def tables(evidence: ModuleType) -> dict[str, list[tuple[object, ...]]]:
    import torch

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        found = {table.name: table.rows for table in evidence.measure(small=True)}
    torch.set_num_threads(threads)
    return found


def test_the_variance_of_a_dot_product_is_d_and_1_when_scaled(tables: dict[str, list[tuple[float, ...]]]) -> None:
    pairs = 2000
    for d, plain, scaled, gradient, kept in tables["scale"]:
        # A sum of d products has kurtosis 3 + 6/d, so its variance is known to sqrt((2 + 6/d) / n).
        tolerance = 4 * math.sqrt((2 + 6 / d) / pairs)
        assert plain / d == pytest.approx(1, abs=tolerance)
        assert scaled == pytest.approx(1, abs=tolerance)
        assert gradient < kept
    gradients = [row[3] for row in tables["scale"]]
    assert gradients == sorted(gradients, reverse=True)
    assert tables["scale"][-1][3] < 0.2 < 0.9 < tables["scale"][-1][4]


def test_one_head_sees_one_of_two_places_and_more_see_both(tables: dict[str, list[tuple[float, ...]]]) -> None:
    accuracy = {row[0]: row[3] for row in tables["heads"]}
    assert len({row[2] for row in tables["heads"]}) == 1  # equal weights
    # One of two answers right and the other a guess among 16: 0.5 + 0.5 / 16, with room for what one head can mix in.
    assert accuracy[1] < 0.8
    assert min(accuracy[heads] for heads in (4, 8)) > 0.95
    assert accuracy[2] > accuracy[1]


def test_residuals_and_norms_keep_the_gradient_alive(tables: dict[str, list[tuple[float, ...]]]) -> None:
    ratio = {row[0]: row[4] for row in tables["depth"]}
    assert ratio["neither"] < 1e-3
    assert ratio["residual"] > 10  # 12 layers here; the page has 24
    assert 0.1 < ratio["post-norm"] < 10
    assert 0.1 < ratio["pre-norm"] < 20


def test_neighbours_change_batch_norm_and_never_layer_norm(tables: dict[str, list[tuple[float, ...]]]) -> None:
    for _, batch, layer in tables["norms"]:
        assert batch > 0.1
        assert layer == 0


def test_memory_grows_with_the_square_written_out_and_in_a_line_fused(
    evidence: ModuleType, tables: dict[str, list[tuple[float, ...]]]
) -> None:
    table = evidence.Table("attention", (), tables["attention"])
    assert evidence.growth(table, 1) > 1.4  # at 128 to 512 the linear part still counts
    assert evidence.growth(table, 2) == pytest.approx(1, abs=0.05)


def test_encoders_are_compared_at_equal_weights_and_tokens(evidence: ModuleType, small_road: Any) -> None:
    [table] = evidence.measure(small=True, tokens=[str(small_road.tokens)], only=["encoders"])
    assert [row[0] for row in table.rows] == ["bert", "eurobert"]
    (_, _, weights, tokens, *_), (_, _, others, same, *_) = table.rows
    learnt_positions = 512 * 64  # only BERT has them
    assert abs((weights - learnt_positions) / others - 1) < 0.01
    assert tokens == same
    assert all(0 < row[4] < 20 for row in table.rows)


def test_both_pages_hold_the_same_tables() -> None:
    marks = r"<!-- results: (\w+) -->\n(.*?)<!-- /results -->"
    english, chinese = (re.findall(marks, page.read_text(encoding="utf-8"), re.DOTALL) for page in PAGES)
    assert english == chinese
    assert all(body.startswith("| ") for _, body in english)
