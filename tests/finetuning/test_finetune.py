from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, pipeline

from corpus.errors import UserError
from corpus.manifest import read_manifest, verify_manifest
from macbert.annotations import read_examples
from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune
from macbert.finetuning.config import PredictConfig

Rows = Callable[[int, int], list[dict[str, Any]]]
Write = Callable[[str, list[Any]], str]


def config(encoder: Path, tmp_path: Path, task: str, train: str, dev: str, **more: Any) -> FinetuneConfig:
    settings: dict[str, Any] = {
        "max_length": 64,
        "stride": 16,
        "learning_rate": 3e-3,
        "head_learning_rate": 1e-2,
        "num_train_epochs": 4,
        "per_device_train_batch_size": 16,
    }
    output = str(tmp_path / "out")
    return FinetuneConfig(task=task, model=str(encoder), train=train, dev=dev, output=output, **{**settings, **more})


@pytest.fixture
def names(write: Write, name_rows: Rows) -> tuple[str, str]:
    return write("train.jsonl", name_rows(200, 1)), write("dev.jsonl", name_rows(60, 2))


def test_names_are_learnt_and_the_folder_answers_in_every_way(
    encoder_folder: Path, tmp_path: Path, names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[str, int, int | None]] = []
    state = torch.get_rng_state(), random.getstate()
    result = finetune(config(encoder_folder, tmp_path, "ner", *names), progress=lambda *told: seen.append(told))
    assert capsys.readouterr() == ("", "")
    assert torch.equal(torch.get_rng_state(), state[0])
    assert random.getstate() == state[1]
    assert result.value > 0.9  # the task is trivial; chance is near 0
    assert seen[-1] == ("fine-tune ner", 52, 52)

    scored = evaluate(EvaluateConfig(task="ner", model=result.output, data=names[1]))
    assert scored.value == pytest.approx(result.value)
    assert dict(scored.metrics) == pytest.approx(dict(result.best.metrics))
    assert {"地点", "人物"} == set(scored.scores.per_type)
    assert not verify_manifest(result.output, "finetuned")
    assert read_manifest(result.output, "finetuned")["config"]["task"] == "ner"

    from macbert import load_extractor

    text = "昨天李雷和张芳来到武汉"
    ours = load_extractor(result.output).extract([text])[0]
    theirs = pipeline("token-classification", model=result.output, aggregation_strategy="simple")(text)
    assert [(e.start, e.end, e.type) for e in ours.entities] == [
        (e["start"], e["end"], e["entity_group"]) for e in theirs
    ]
    assert [e.score for e in ours.entities] == pytest.approx([float(e["score"]) for e in theirs], abs=1e-5)
    assert AutoTokenizer.from_pretrained(result.output).tokenize("李雷a1") == ["李", "雷", "a", "##1"]
    log = [json.loads(line) for line in Path(result.output, "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["eval_strict_span_f1"] for line in log if "eval_strict_span_f1" in line][-1] <= result.value
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("head", ["crf", "pointer"])
def test_other_heads_learn_names_too_and_come_back_from_their_folder(
    encoder_folder: Path, tmp_path: Path, names: tuple[str, str], head: str
) -> None:
    result = finetune(config(encoder_folder, tmp_path, "ner", *names, head=head))
    assert result.value > 0.9
    predicted, page = str(tmp_path / "p.jsonl"), str(tmp_path / "page.html")
    scored = evaluate(EvaluateConfig(task="ner", model=result.output, data=names[1], output=predicted, report=page))
    assert "Recall by length" in Path(page).read_text(encoding="utf-8")
    assert scored.value == pytest.approx(result.value)
    assert len(read_examples(tmp_path / "p.jsonl")) == 60
    model = AutoModel.from_pretrained(result.output)
    assert model.config.hidden_size == 64


def test_pointers_find_nested_names_that_token_labels_cannot_say(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    rng = random.Random(0)
    rows = []
    for _ in range(200):
        before = "".join(rng.choices("今天在去了和", k=rng.randrange(4)))
        city = rng.choice(["北京", "上海", "广州", "重庆", "武汉"])
        start, end = len(before), len(before) + 2
        rows.append({"text": f"{before}{city}大学", "entities": [[start, end, "地点"], [start, end + 2, "机构"]]})
    train, dev = write("train.jsonl", rows[:150]), write("dev.jsonl", rows[150:])
    flat = finetune(config(encoder_folder, tmp_path / "flat", "ner", train, dev))
    nested = finetune(config(encoder_folder, tmp_path / "nested", "ner", train, dev, head="pointer"))
    assert flat.notes["entities_overlapping_a_longer_one"] == 150
    assert flat.best.metrics["strict_span_recall"] <= 0.5
    assert nested.value > 0.9


def test_the_same_seed_gives_the_same_weights(encoder_folder: Path, tmp_path: Path, names: tuple[str, str]) -> None:
    made = []
    for number in range(2):
        once = config(encoder_folder, tmp_path / str(number), "ner", *names, num_train_epochs=1)
        made.append(finetune(once))
        torch.rand(3)  # another state of the caller must not matter
    weights = [Path(result.output, "model.safetensors").read_bytes() for result in made]
    assert weights[0] == weights[1]
    other = config(encoder_folder, tmp_path / "other", "ner", *names, num_train_epochs=1, seed=1)
    assert Path(finetune(other).output, "model.safetensors").read_bytes() != weights[0]


def test_classes_are_learnt_over_seeds_and_the_best_is_the_result(
    encoder_folder: Path, tmp_path: Path, write: Write, opinion_rows: Rows
) -> None:
    train, dev = write("train.jsonl", opinion_rows(150, 1)), write("dev.jsonl", opinion_rows(50, 2))
    result = finetune(config(encoder_folder, tmp_path, "classify", train, dev, seeds=2, num_train_epochs=2))
    values = [seed.value for seed in result.seeds]
    assert [seed.seed for seed in result.seeds] == [0, 1]
    assert result.value == max(values) > 0.9
    assert result.mean == pytest.approx(sum(values) / 2)
    assert result.spread == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    best = Path(result.seeds[values.index(max(values))].folder)
    assert best.parent == Path(result.output)
    weights = "model.safetensors"
    assert (best / weights).read_bytes() == Path(result.output, weights).read_bytes()
    assert result.labels == ["好评", "差评"]
    ours = evaluate(EvaluateConfig(task="classify", model=result.output, data=dev))
    assert ours.metrics["accuracy"] == pytest.approx(result.value)
    found = pipeline("text-classification", model=result.output)("今天很好")
    from macbert import load_extractor

    mine = load_extractor(result.output).extract(["今天很好"])[0]
    assert (mine.label, mine.score) == (found[0]["label"], pytest.approx(found[0]["score"], abs=1e-5))


def test_pairs_and_label_lists_are_learnt(encoder_folder: Path, tmp_path: Path, write: Write) -> None:
    rng = random.Random(0)
    pairs = []
    for _ in range(120):
        a, b = rng.choice("好坏"), rng.choice("好坏")
        pairs.append({"text_a": f"今天{a}", "text_b": f"今天{b}", "label": int(a == "好" and b == "好")})
    path = write("pairs.jsonl", pairs)
    result = finetune(config(encoder_folder, tmp_path / "a", "classify", path, path, class_weights="balanced"))
    assert result.labels == ["0", "1"]
    assert result.value > 0.9
    many = []
    for _ in range(160):
        labels = [character for character in "好坏" if rng.random() < 0.5]
        many.append({"text": "今天" + "".join(labels), "label": labels})
    path = write("many.jsonl", many)
    result = finetune(config(encoder_folder, tmp_path / "b", "classify", path, path))
    assert result.metric == "micro_f1"
    assert result.value > 0.8  # naming every label always scores 2/3


def test_random_weights_differ_from_pretrained_ones_and_the_encoder_is_used(
    encoder_folder: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    from safetensors.torch import load_file

    from macbert.finetuning.encoder import load_config, load_tokenizer
    from macbert.finetuning.tasks import task_class

    settings = config(encoder_folder, tmp_path, "ner", *names)
    examples = read_examples(names[0])
    tokenizer = load_tokenizer(settings.model, load_config(settings.model), 64)
    task = task_class("ner").learn(settings, tokenizer, examples, examples)
    stored = load_file(encoder_folder / "model.safetensors")
    name = "bert.encoder.layer.0.attention.self.query.weight"
    pretrained = task.build_model(settings.model, init="pretrained", seed=0).state_dict()
    assert all(torch.equal(stored[key], value) for key, value in pretrained.items() if key.startswith("bert."))
    again = task.build_model(settings.model, init="pretrained", seed=0).state_dict()
    assert torch.equal(pretrained["classifier.weight"], again["classifier.weight"])
    random_weights = task.build_model(settings.model, init="random", seed=0).state_dict()
    assert not torch.equal(random_weights[name], stored[name])


def test_an_encoder_folder_that_lacks_weights_is_refused(
    encoder_folder: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(encoder_folder, broken)
    weights = load_file(broken / "model.safetensors")
    del weights["bert.encoder.layer.0.attention.self.query.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="expected every weight of the encoder, found 1 missing"):
        finetune(config(broken, tmp_path, "ner", *names))
    (broken / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="loadable weights"):
        finetune(config(broken, tmp_path, "ner", *names))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("task", "train", "dev", "message"),
    [
        (
            "classify",
            [{"text": "好", "label": "a"}],
            [{"text": "好", "label": "a"}],
            "at least two labels, found only",
        ),
        ("classify", [], [{"text": "好", "label": "a"}], r"train\.jsonl: expected at least one labelled text"),
        ("classify", [{"text": "好"}], [{"text": "好", "label": "a"}], r"train\.jsonl:1: expected 'label'"),
        (
            "classify",
            [{"text": "好", "label": "a"}, {"text": "坏", "label": "b"}],
            [{"text": "好", "label": "a"}, {"text": "坏", "label": "c"}],
            r"dev\.jsonl:2: expected a label that the training texts have, found 'c'",
        ),
        (
            "classify",
            [{"text": "好", "label": "a"}, {"text": "坏", "label": ["b"]}],
            [{"text": "好", "label": "a"}],
            "a list of labels in every line or in none",
        ),
        (
            "classify",
            [{"text": "好", "text_pair": "坏", "label": "a"}, {"text": "坏", "text_pair": "坏", "label": "b"}],
            [{"text": "好", "label": "a"}],
            r"dev\.jsonl: expected lines like those of .*train\.jsonl, found a second text in only one",
        ),
        (
            "ner",
            [{"text": "好", "entities": []}],
            [{"text": "好", "entities": []}],
            "at least one entity type, found none",
        ),
        (
            "ner",
            [{"text": "李雷", "entities": [[0, 2, "人物"]]}],
            [{"text": "北京", "entities": [[0, 2, "地点"]]}],
            r"dev\.jsonl:1: expected an entity type that the training texts have",
        ),
        (
            "ner",
            [{"text": "李雷"}],
            [{"text": "李雷", "entities": []}],
            r"train\.jsonl:1: expected 'entities'",
        ),
    ],
)
def test_sets_that_cannot_be_learnt_are_refused_before_anything_is_written(
    encoder_folder: Path, tmp_path: Path, write: Write, task: str, train: list[Any], dev: list[Any], message: str
) -> None:
    settings = config(encoder_folder, tmp_path, task, write("train.jsonl", train), write("dev.jsonl", dev))
    with pytest.raises(UserError, match=message):
        finetune(settings)
    assert not (tmp_path / "out").exists()


def test_mistakes_of_both_files_and_of_the_model_come_in_one_error(tmp_path: Path, write: Write) -> None:
    train, dev = write("train.jsonl", [{}]), write("dev.jsonl", [{"text": "a", "entities": [[0, 9, "x"]]}])
    settings = config(tmp_path / "none", tmp_path, "ner", train, dev)
    with pytest.raises(UserError) as caught:
        finetune(settings)
    places = [problem.where for problem in caught.value.problems]
    assert places == [f"{train}:1", f"{dev}:1", str(tmp_path / "none")]


def test_wrong_settings_are_listed_together() -> None:
    with pytest.raises(UserError) as caught:
        FinetuneConfig(
            task="classify", model="m", train="t", dev="d", output="o", seeds=0, stride=300, head="crf", layer_decay=2
        )
    assert [problem.where for problem in caught.value.problems] == ["--seeds", "--stride", "--layer-decay", "--head"]
    with pytest.raises(UserError, match="one of the two, found neither"):
        PredictConfig(model="m")


def test_another_task_or_no_fine_tuned_model_is_said_so(encoder_folder: Path, names: tuple[str, str]) -> None:
    with pytest.raises(UserError, match=r"a fine-tuned model \(task\.json\)"):
        evaluate(EvaluateConfig(task="ner", model=str(encoder_folder), data=names[1]))


def test_windows_longer_than_the_model_are_refused(
    encoder_folder: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    with pytest.raises(UserError, match=r"at most 64 \(the model's\), found 128"):
        finetune(config(encoder_folder, tmp_path, "ner", *names, max_length=128))


def test_early_stopping_ends_a_run_that_no_longer_gains(
    encoder_folder: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    settings = config(
        encoder_folder,
        tmp_path,
        "ner",
        *names,
        num_train_epochs=30,
        early_stopping_patience=2,
        learning_rate=1e-9,
        head_learning_rate=1e-9,
    )
    result = finetune(settings)
    assert result.best.steps == 3 * 13
    assert not result.best_at_the_end
    assert "advice" not in dict(result.summary())
    short = finetune(replace(settings, output=str(tmp_path / "short"), num_train_epochs=1))
    assert "--num-train-epochs" in dict(short.summary())["advice"]
    assert short.as_json()["best_at_the_end"] is True
