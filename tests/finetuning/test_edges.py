"""Sets at the edge of what can be learnt: what is refused, what is counted, and what ties come to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from corpus.errors import UserError
from macbert import load_extractor
from macbert.annotations import read_examples
from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune
from macbert.finetuning.encoder import load_config, load_tokenizer
from macbert.finetuning.tasks import task_class
from macbert.finetuning.trainer import optimizer_groups

Write = Callable[[str, list[Any]], str]
Rows = Callable[[int, int], list[dict[str, Any]]]


def settings(encoder: Path, tmp_path: Path, task: str, train: str, dev: str, **more: Any) -> FinetuneConfig:
    defaults: dict[str, Any] = {"max_length": 32, "stride": 8, "max_steps": 2, "per_device_train_batch_size": 8}
    defaults |= {"output": str(tmp_path / "out"), "learning_rate": 3e-3, "head_learning_rate": 1e-2}
    return FinetuneConfig(task=task, model=str(encoder), train=train, dev=dev, **{**defaults, **more})


def learnt(config: FinetuneConfig) -> Any:
    """Return the task of a configuration as training has it, and its training texts."""
    examples, dev = read_examples(config.train), read_examples(config.dev)
    tokenizer = load_tokenizer(config.model, load_config(config.model), config.max_length)
    return task_class(config.task, config.head).learn(config, tokenizer, examples, dev), examples


UNSEEN: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "classify": ({"text": "很好", "label": "a"}, {"text": "很好", "label": "新"}, "accuracy"),
    "ner": (
        {"text": "李雷", "entities": [[0, 2, "人物"]]},
        {"text": "北京", "entities": [[0, 2, "新"]]},
        "strict_span_recall",
    ),
    "relation": (
        {
            "text": "李雷北京",
            "entities": [[0, 2, "人物"], [2, 4, "地点"]],
            "relations": [{"subject": 0, "predicate": "住", "object": 1}],
        },
        {
            "text": "李雷北京",
            "entities": [[0, 2, "人物"], [2, 4, "地点"]],
            "relations": [{"subject": 0, "predicate": "新", "object": 1}],
        },
        "duie_recall",
    ),
    "event": (
        {"text": "李雷工作", "events": [{"type": "做", "trigger": {"start": 2, "end": 4}}]},
        {"text": "李雷工作", "events": [{"type": "新", "trigger": {"start": 2, "end": 4}}]},
        "event_type_recall",
    ),
}


@pytest.mark.parametrize("task", UNSEEN)
def test_labels_of_dev_that_train_lacks_count_as_missed_when_asked(
    encoder_folder: Path, tmp_path: Path, write: Write, task: str
) -> None:
    known, unknown, metric = UNSEEN[task]
    other = [{"text": "很坏", "label": "b"}] if task == "classify" else []
    train, dev = write("train.jsonl", [known, *other]), write("dev.jsonl", [unknown])
    with pytest.raises(UserError, match=r"'新'; .*--unseen-dev-labels miss"):
        finetune(settings(encoder_folder, tmp_path, task, train, dev))
    result = finetune(settings(encoder_folder, tmp_path, task, train, dev, unseen_dev_labels="miss"))
    assert "新" not in result.labels
    assert result.best.metrics[metric] == 0
    scored = evaluate(EvaluateConfig(task=task, model=result.output, data=dev))
    assert scored.metrics[metric] == 0
    assert scored.scores.per_type["新"].gold == 1 if task in ("ner", "relation") else True


def test_the_first_texts_are_taken_and_no_others(encoder_folder: Path, tmp_path: Path, write: Write) -> None:
    rows = [{"text": "很好", "label": "a"}, {"text": "很坏", "label": "b"}, {"text": "不好", "label": "c"}]
    path = write("rows.jsonl", rows)
    result = finetune(
        settings(encoder_folder, tmp_path, "classify", path, path, max_train_samples=2, max_eval_samples=1)
    )
    assert (result.train_examples, result.dev_examples, result.labels) == (2, 1, ["a", "b"])


def test_a_single_label_is_refused_alone_and_learnt_among_none(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    path = write("one.jsonl", [{"text": "很好", "label": ["a"]}, {"text": "很坏", "label": []}] * 8)
    result = finetune(settings(encoder_folder, tmp_path, "classify", path, path, max_steps=20))
    assert result.labels == ["a"]
    assert result.best.metrics["exact_match"] == 1
    found = load_extractor(result.output).extract(["很坏", "很好"])
    assert [item.labels for item in found] == [(), ("a",)]


def test_texts_longer_than_any_window_are_learnt_and_read_whole(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    long = "今天" * 60
    name = "北京" * 30
    train = write(
        "train.jsonl", [{"text": f"{long}很好。{name}", "entities": [[len(long) + 3, len(long) + 63, "地点"]]}]
    )
    bio, examples = learnt(settings(encoder_folder, tmp_path, "ner", train, train))
    rows = bio.features(examples)
    assert all(len(row["input_ids"]) <= 32 for row in rows)
    # Every token of the name is learnt, in some window, though no window holds the name.
    assert max(int((row["labels"] > 0).sum()) for row in rows) == 30
    pointers, _ = learnt(settings(encoder_folder, tmp_path, "ner", train, train, head="pointer"))
    pointers.features(examples)
    assert pointers.notes["entities_longer_than_a_window"] == 1
    result = finetune(settings(encoder_folder, tmp_path, "ner", train, train, head="pointer"))
    assert result.notes["entities_longer_than_a_window"] == 1
    assert result.best.metrics["strict_span_recall"] == 0  # it still counts as missed


def test_relations_events_answers_and_pairs_that_no_window_holds_are_counted(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    far = "今天" * 40
    text = f"李雷{far}北京"
    last = len(text) - 2
    relation = {"subject": 0, "predicate": "住", "object": 1}
    near = {"text": "李雷北京", "entities": [[0, 2, "人物"], [2, 4, "地点"]], "relations": [relation]}
    path = write(
        "relations.jsonl",
        [near, {**near, "text": text, "entities": [[0, 2, "人物"], [last, last + 2, "地点"]]}],
    )
    task, examples = learnt(settings(encoder_folder, tmp_path, "relation", path, path))
    task.features(examples)
    assert task.notes["relations_longer_than_a_window"] == 1

    event = {
        "type": "做",
        "trigger": {"start": 0, "end": 2},
        "arguments": [{"role": "地", "start": last, "end": last + 2}],
    }
    path = write("events.jsonl", [{"text": text, "events": [event]}])
    task, examples = learnt(settings(encoder_folder, tmp_path, "event", path, path))
    task.features(examples)
    assert task.notes["events_longer_than_a_window"] == 1

    path = write("reading.jsonl", [{"text": far, "question": "谁？", "answers": [{"start": 0, "end": len(far)}]}])
    task, examples = learnt(settings(encoder_folder, tmp_path, "mrc", path, path))
    task.features(examples)
    assert task.notes["answers_in_no_window"] == 1

    pair = {"text": far, "text_pair": far, "label": "a"}
    path = write("pairs.jsonl", [pair, {**pair, "label": "b"}])
    task, examples = learnt(settings(encoder_folder, tmp_path, "classify", path, path))
    assert {len(row["input_ids"]) for row in task.features(examples)} == {32}
    assert task.notes["pairs_cut_to_the_window"] == 2


def test_ties_go_to_the_first_label_the_first_pass_and_the_first_seed(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    path = write("rows.jsonl", [{"text": "很好", "label": "乙"}, {"text": "很坏", "label": "甲"}])
    config = settings(encoder_folder, tmp_path, "classify", path, path)
    task, examples = learnt(config)
    model = task.build_model(config.model, init="random", seed=0)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
    assert task.labels == ["乙", "甲"]
    assert [example.label for example in task.predict(model, examples, 4096)] == ["乙", "乙"]
    # So small a rate leaves every pass and every seed with the same answers, or at least scores of halves and wholes.
    still = {"learning_rate": 1e-12, "head_learning_rate": 1e-12, "max_steps": None, "num_train_epochs": 3}
    result = finetune(settings(encoder_folder, tmp_path / "b", "classify", path, path, seeds=3, **still))
    assert [seed.step for seed in result.seeds] == [1, 1, 1]
    best = max(seed.value for seed in result.seeds)
    assert result.best.seed == next(seed.seed for seed in result.seeds if seed.value == best)


def test_rates_fall_from_layer_to_layer_and_the_head_has_its_own(encoder_folder: Path, tmp_path: Path) -> None:
    from macbert.modeling.loading import quiet_transformers

    config = settings(
        encoder_folder, tmp_path, "ner", "t", "d", layer_decay=0.5, learning_rate=1e-3, head_learning_rate=1e-2
    )
    tokenizer = load_tokenizer(config.model, load_config(config.model), 32)
    for head in ("bio", "crf", "pointer"):
        with quiet_transformers():
            cls = task_class("ner", head)
            task = cls(tokenizer, ["人物"], max_length=32, stride=8, options={"head": head})
            model = task.build_model(config.model, init="random", seed=0)
        groups = optimizer_groups(model, config, 64)
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        rates = {names[id(p)]: group["lr"] for group in groups for p in group["params"]}
        decays = {names[id(p)]: group["weight_decay"] for group in groups for p in group["params"]}
        assert set(rates) == {name for name, p in model.named_parameters() if p.requires_grad}
        for name, rate in rates.items():
            # One layer: its rate is decayed once, that of the embeddings twice.
            if ".embeddings." in f".{name}":
                assert rate == pytest.approx(1e-3 * 0.5**2), name
            elif ".encoder.layer.0." in name:
                assert rate == pytest.approx(1e-3 * 0.5), name
            else:
                assert rate == 1e-2, name
            plain = name.endswith(("bias", "crf.start", "crf.end")) or "LayerNorm" in name
            assert decays[name] == (0.0 if plain else 0.01), name


def test_balanced_classes_weigh_by_the_inverse_of_their_frequency(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    rows = [{"text": "很好", "label": "a"}] * 3 + [{"text": "很坏", "label": "b"}]
    path = write("rows.jsonl", rows)
    task, _ = learnt(settings(encoder_folder, tmp_path, "classify", path, path, class_weights="balanced"))
    assert task.options["class_weights"] == [4 / (2 * 3), 4 / (2 * 1)]  # scikit-learn's rule
    logits = torch.tensor([[0.3, -0.2], [1.0, 2.0]])
    labels = torch.tensor([0, 1])
    loss = task.loss()

    class Outputs:
        pass

    outputs = Outputs()
    outputs.logits = logits
    each = -logits.log_softmax(-1)[torch.arange(2), labels].numpy()
    weights = np.array([4 / 6, 2.0])
    assert float(loss(outputs, labels)) == pytest.approx(float((weights * each).sum() / weights.sum()))


def test_rows_of_like_length_are_learnt_together(
    encoder_folder: Path, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from macbert.finetuning.tasks.classify import Classify

    rows = [{"text": "好" * (1 + n % 24), "label": "ab"[n % 2]} for n in range(96)]
    path = write("rows.jsonl", rows)
    padding: list[float] = []
    collate = Classify.collate

    def counted(self: Any, features: Any) -> Any:
        batch = collate(self, features)
        padding.append(1 - float(batch["attention_mask"].float().mean()))
        return batch

    monkeypatch.setattr(Classify, "collate", counted)
    finetune(settings(encoder_folder, tmp_path, "classify", path, path, max_steps=None, num_train_epochs=1))
    lengths = np.array([3 + n % 24 for n in range(96)])
    shuffled = [np.random.default_rng(seed).permutation(lengths).reshape(-1, 8) for seed in range(20)]
    at_random = np.mean([1 - batch.mean() / batch.max() for batches in shuffled for batch in batches])
    # Transformers sorts within groups of some batches only, three here, so that order stays random.
    assert sum(padding) / len(padding) < 0.7 * at_random
    log = Path(tmp_path, "out", "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert any("eval_accuracy" in json.loads(line) for line in log)
