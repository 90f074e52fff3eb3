from __future__ import annotations

import random

import pytest
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from sklearn.preprocessing import MultiLabelBinarizer

from macbert.metrics import score_classes, score_label_sets

LABELS = ["正面", "负面", "中性", "其他"]


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_scores_of_classes_equal_scikit_learn(seed: int, classes: int) -> None:
    rng = random.Random(seed)
    gold, predicted = ([rng.choice(LABELS[:classes]) for _ in range(60)] for _ in range(2))
    scores = score_classes(gold, predicted)
    assert scores.primary == "accuracy"
    assert scores.metrics["accuracy"] == pytest.approx(accuracy_score(gold, predicted))
    assert scores.metrics["macro_f1"] == pytest.approx(f1_score(gold, predicted, average="macro"))
    assert scores.metrics["matthews"] == pytest.approx(matthews_corrcoef(gold, predicted))


def test_a_class_that_is_never_predicted_pulls_macro_f1_down_as_in_scikit_learn() -> None:
    gold, predicted = ["正面", "正面", "负面"], ["正面"] * 3
    expected = f1_score(gold, predicted, average="macro", zero_division=0)
    assert score_classes(gold, predicted).metrics["macro_f1"] == pytest.approx(expected)
    assert score_classes(gold, predicted).metrics["matthews"] == 0


def test_scores_of_label_sets_equal_scikit_learn() -> None:
    rng = random.Random(0)
    gold, predicted = ([rng.sample(LABELS, rng.randrange(4)) for _ in range(50)] for _ in range(2))
    binarizer = MultiLabelBinarizer(classes=LABELS)
    a, b = binarizer.fit_transform(gold), binarizer.transform(predicted)
    metrics = score_label_sets(gold, predicted).metrics
    assert metrics["micro_f1"] == pytest.approx(f1_score(a, b, average="micro"))
    assert metrics["macro_f1"] == pytest.approx(f1_score(a, b, average="macro"))
    assert metrics["exact_match"] == pytest.approx(accuracy_score(a, b))
