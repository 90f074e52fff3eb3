"""Loss laws: found again from made-up runs, predicted before, checked after, and honest about what gets worse."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpus.errors import UserError
from macbert.cli import main
from macbert.scaling.config import FitConfig, PlanConfig
from macbert.scaling.fitting import Fit, fit_points, read_fit
from macbert.scaling.laws import SizeLaw, fit_compute_law, fit_size_law, frontier
from macbert.scaling.planning import plan
from macbert.scaling.points import Point, Size, read_size
from macbert.scaling.trends import Metric, find_trends

TRUE = SizeLaw(E=1.7, A=40.0, alpha=0.31, B=320.0, beta=0.33)
SIZES = [Size(1, 64), Size(2, 64), Size(2, 128), Size(4, 256)]
TOKENS = [200_000, 600_000, 2_000_000]


def made_up(noise: float = 0.0, seed: int = 0, outlier: float = 0.0) -> list[Point]:
    """Return runs that obey ``TRUE`` up to noise in log loss, one of them spoilt by ``outlier``."""
    generator = np.random.default_rng(seed)
    points = []
    for size in SIZES:
        for tokens in TOKENS:
            loss = float(TRUE(size.weights, tokens)) * math.exp(generator.normal(0, noise) if noise else 0.0)
            points.append(Point(f"{size}-{tokens}", size, tokens, loss, 128, 21128, 0.15, {"mlm_loss": loss}))
    if outlier:
        spoilt = points[4]
        points[4] = Point(spoilt.run, spoilt.size, spoilt.tokens, spoilt.loss * outlier, 128, 21128, 0.15)
    return points


def law_of(points: list[Point], delta: float = 1e-3) -> SizeLaw:
    return fit_size_law([p.size.weights for p in points], [p.tokens for p in points], [p.loss for p in points], delta)


LARGE = (Size(12, 768).weights, 200_000_000)


def test_a_law_without_noise_is_found_again() -> None:
    law = law_of(made_up())
    for name in ("E", "alpha", "beta"):
        assert getattr(law, name) == pytest.approx(getattr(TRUE, name), rel=1e-3)
    assert float(law(*LARGE)) == pytest.approx(float(TRUE(*LARGE)), rel=1e-4)


def test_one_spoilt_run_does_not_move_the_law() -> None:
    """A run 30 % off moves the law at twice the largest run by no more than Huber's threshold times a few; squares move
    it ten times as far."""
    size, tokens = Size(4, 256).weights, 4_000_000
    spoilt = made_up(outlier=1.3)
    robust, squares = (
        float(law_of(spoilt, delta)(size, tokens)) / float(TRUE(size, tokens)) - 1 for delta in (1e-3, 10)
    )
    assert abs(robust) < 5e-3
    assert abs(robust) < abs(squares) / 5


def test_the_compute_law_is_found_again() -> None:
    flops = np.geomspace(1e12, 1e16, 6)
    law = fit_compute_law(flops.tolist(), (40 * flops**-0.09 + 1.5).tolist(), 1e-3)
    assert law.b == pytest.approx(-0.09, rel=1e-2)
    assert float(law(1e18)) == pytest.approx(40 * 1e18**-0.09 + 1.5, rel=1e-3)


def test_the_frontier_holds_what_no_cheaper_run_beats() -> None:
    assert frontier([3.0, 1.0, 2.0, 2.0], [1.0, 3.0, 2.5, 2.0]) == [1, 3, 0]


def test_intervals_of_predictions_cover_the_truth() -> None:
    """90 % intervals at ten times the largest compute, over 12 noisy worlds."""
    size, tokens = Size(4, 256), 20_000_000
    inside = 0
    worlds = 12
    for seed in range(worlds):
        config = FitConfig(output="x", runs=["y"], resamples=40, seed=seed)
        found = fit_points(made_up(noise=0.004, seed=seed), config)
        _, low, high = found.predict(size.weights, tokens)
        inside += low <= float(TRUE(size.weights, tokens)) <= high
    assert inside / worlds >= 0.9 - 3 * math.sqrt(0.9 * 0.1 / worlds)


def write_run(folder: Path, point: Point, **evaluation: float) -> Path:
    """Write what a finished run leaves that a fit reads."""
    from corpus.manifest import write_manifest

    folder.mkdir(parents=True)
    model = {"num_hidden_layers": point.size.layers, "hidden_size": point.size.hidden, "vocab_size": 21128}
    (folder / "config.json").write_text(json.dumps(model), encoding="utf-8")
    (folder / "run.json").write_text("{}", encoding="utf-8")
    (folder / "log.jsonl").write_text(json.dumps({"step": 1, "tokens": point.tokens}) + "\n", encoding="utf-8")
    config = {"max_length": 128, "masking": {"mlm_probability": 0.15}}
    told = {"eval_mlm_loss": point.loss, **evaluation}
    write_manifest(folder, "run", config=config, inputs={}, evaluation=told)
    return folder


def test_fit_predict_run_check_plan_as_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def macbert(*words: str) -> dict[str, Any]:
        code = main([*words, "--quiet", "--json"])
        told = capsys.readouterr()
        assert code == 0, told.err
        return json.loads(told.out)

    for point in made_up():
        write_run(tmp_path / "runs" / point.run, point, eval_sop_accuracy=0.9 - 0.02 * math.log10(point.size.weights))
    folder = str(tmp_path / "fit")
    told = macbert("scaling", "fit", "--runs", str(tmp_path / "runs"), "--output", folder, "--resamples", "20")
    assert abs(told["back_test"]) < 1e-3
    inverse = {trend["metric"] for trend in told["trends"] if trend["high"] < 0 and trend["higher_is_better"]}
    assert inverse == {"sop_accuracy"}
    assert (tmp_path / "fit" / "laws.png").stat().st_size > 5000
    assert main(["scaling", "fit", "--runs", str(tmp_path / "runs"), "--output", folder, "--resamples", "20"]) == 0
    assert "worse with size" in capsys.readouterr().out

    prediction = str(tmp_path / "prediction.json")
    size = Size(8, 512)
    words = ["scaling", "predict", "--fit", folder, "--prediction", prediction]
    before = macbert(*words, "--size", "8x512", "--tokens", "50000000")
    assert before["times_largest"] > 10
    assert len(before["sha256"]) == 64
    assert main([*words, "--size", "8x512", "--tokens", "1", "--quiet"]) == 2  # written once
    capsys.readouterr()

    time.sleep(1.1)  # times are in whole seconds
    truth = Point("large", size, 50_000_000, float(TRUE(size.weights, 50_000_000)), 128, 21128, 0.15)
    run = write_run(tmp_path / "large", truth)
    check = ["scaling", "predict", "--prediction", prediction, "--run", str(run)]
    after = macbert(*check)
    assert abs(after["error"]) < 0.001
    assert after["was_before"] is True
    assert after["sha256"] == before["sha256"]
    os.utime(run / "run.json", (0, 0))
    assert macbert(*check)["was_before"] is False

    changed = Path(prediction)
    changed.write_text(changed.read_text("utf-8").replace('"tokens": 50000000', '"tokens": 50000001'), "utf-8")
    assert main([*check, "--quiet"]) == 2
    assert "changed figures" in capsys.readouterr().err

    planned = macbert("scaling", "plan", "--fit", folder, "--hours", "10", "--flops-per-second", "1e12")
    assert planned["choices"][0]["loss"] == min(choice["loss"] for choice in planned["choices"])


def test_a_plan_spends_the_compute_on_the_best_size(tmp_path: Path) -> None:
    """Against a search over every size by brute force, on the true law."""
    points = made_up()
    found = Fit(points, TRUE, [(TRUE, 0.0)], None, [])
    from macbert.scaling import fitting

    told = {"points": [p.__dict__ for p in points]}
    (tmp_path / "fit.json").write_text(json.dumps(fitting._as_json(found)), encoding="utf-8")
    assert len(told["points"]) == len(read_fit(tmp_path).points)
    sizes = [f"{layers}x{hidden}" for layers in (1, 2, 4, 8) for hidden in (64, 128, 256, 512)]
    result = plan(PlanConfig(fit=str(tmp_path), hours=1.0, flops_per_second=1e11, sizes=sizes))
    flops = 3600 * 1e11

    def loss(text: str) -> float:
        size = read_size(text)
        return float(TRUE(size.weights, flops / size.flops_per_token(128, 21128)))

    assert result.best.size == min(sizes, key=loss)
    best = read_size(result.best.size)
    assert best.flops_per_token(128, 21128) * result.best.tokens == pytest.approx(flops, rel=1e-3)


def test_a_score_that_falls_with_size_is_told_from_one_that_only_wavers() -> None:
    points = made_up()
    generator = np.random.default_rng(0)
    worse = [Metric(p.run, "rare words", 0.8 - 0.05 * math.log10(p.size.weights), True) for p in points]
    wavers = [Metric(p.run, "noise", float(generator.normal()), True) for p in points]
    trends = {t.metric: t for t in find_trends(points, [*worse, *wavers], resamples=200, seed=0)}
    assert trends["rare words"].is_inverse
    assert trends["rare words"].slope == pytest.approx(-0.05)
    assert not trends["noise"].is_inverse
    assert not trends["mlm_loss"].is_inverse


def test_more_tokens_are_not_mistaken_for_a_better_size() -> None:
    """Larger runs saw more tokens; the score depends on tokens alone."""
    points = [p for p in made_up() if (p.size.weights > 100_000) == (p.tokens > 600_000) or p.tokens == 600_000]
    metrics = [Metric(p.run, "score", 0.1 * math.log10(p.tokens), True) for p in points]
    trend = next(t for t in find_trends(points, metrics, resamples=100, seed=0) if t.metric == "score")
    assert trend.slope == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit", "--output", "a"], "--runs"),
        (["fit", "--output", "a", "--runs", "none"], "none: expected a finished pretraining run"),
        (["fit", "--output", "a", "--runs", "r", "--sizes", "3x100"], "none"),
        (["predict", "--prediction", "p.json"], "--fit"),
        (["predict", "--prediction", "p.json", "--fit", "none", "--size", "2x64", "--tokens", "5"], "none"),
        (["predict", "--prediction", "p.json", "--run", "none"], "p.json: expected a prediction"),
        (["plan", "--fit", "none", "--hours", "1", "--flops-per-second", "1e12"], "expected a folder of macbert"),
        (["plan", "--fit", "none", "--hours", "-1", "--flops-per-second", "1e12"], "--hours"),
    ],
)
def test_bad_input_is_named_and_ends_with_2(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scaling", *words, "--quiet"]) == 2
    assert told in capsys.readouterr().err.replace("no run", "none")
    assert list(tmp_path.iterdir()) == []


def test_runs_of_one_size_are_too_few(tmp_path: Path) -> None:
    config = FitConfig(output="x", runs=["y"])
    with pytest.raises(UserError, match="2 sizes"):
        fit_points([p for p in made_up() if p.size == SIZES[0]], config)


def test_a_grid_is_run_once_and_fitted(small_road: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["scaling", "fit", "--data", str(small_road.tokens), "--output", str(tmp_path / "grid")]
    words += ["--sizes", "1x64", "2x64", "--steps", "1", "2", "3", "--resamples", "20", "--quiet"]
    recipe = tmp_path / "grid.yaml"
    recipe.write_text("max_length: 64\nglobal_batch_size: 4\nper_device_train_batch_size: 4\neval_rows: 8\n", "utf-8")
    assert main([*words, "--grid-config", str(recipe)]) == 0
    runs = sorted((tmp_path / "grid" / "runs").glob("*/manifest.json"))
    assert len(runs) == 6
    times = [run.stat().st_mtime_ns for run in runs]
    assert main([*words, "--grid-config", str(recipe)]) == 0
    assert [run.stat().st_mtime_ns for run in runs] == times
