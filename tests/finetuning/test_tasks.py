"""Relations, events, reading and spelling: learnt, scored, stored and read back."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.errors import UserError
from macbert import load_extractor
from macbert.annotations import read_examples
from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune
from macbert.finetuning.heads.cliques import MAX_GROUPS, maximal_cliques

Write = Callable[[str, list[Any]], str]
PEOPLE = [a + b for a in "李王张刘陈" for b in "雷梅伟芳娜"]
CITIES = ["北京", "上海", "广州", "重庆", "武汉"]


def settings(encoder: Path, tmp_path: Path, task: str, train: str, dev: str, **more: Any) -> FinetuneConfig:
    defaults: dict[str, Any] = {"max_length": 64, "stride": 16, "learning_rate": 3e-3, "head_learning_rate": 1e-2}
    defaults |= {"num_train_epochs": 8, "per_device_train_batch_size": 16, "output": str(tmp_path / "out")}
    return FinetuneConfig(task=task, model=str(encoder), train=train, dev=dev, **{**defaults, **more})


def same_again(result: Any, task: str, dev: str) -> None:
    assert evaluate(EvaluateConfig(task=task, model=result.output, data=dev)).value == pytest.approx(result.value)


def relation_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Two people and a city: both live there (a shared object), and the first knows the second (a shared subject)."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        a, b, city = *rng.sample(PEOPLE, 2), rng.choice(CITIES)
        text = f"{a}和{b}在{city}工作"
        spans = [[0, 2, "人物"], [3, 5, "人物"], [6, 8, "地点"]]
        relations = [(0, "居住地", 2), (1, "居住地", 2), (0, "认识", 1)]
        made = [{"subject": s, "predicate": p, "object": o} for s, p, o in relations]
        made[2]["slots"] = {"地点": 2}
        rows.append({"text": text, "entities": spans, "relations": made})
    return rows


def test_overlapping_relations_with_slots_are_found_whole(encoder_folder: Path, tmp_path: Path, write: Write) -> None:
    train, dev = write("train.jsonl", relation_rows(120, 0)), write("dev.jsonl", relation_rows(40, 1))
    result = finetune(settings(encoder_folder, tmp_path, "relation", train, dev))
    assert result.metric == "duie_f1"
    assert result.value > 0.9
    assert result.best.metrics["span_f1"] > 0.9
    same_again(result, "relation", dev)
    found = load_extractor(result.output).extract(["李雷和张芳在武汉工作"])[0]
    triples = {(r.subject.text, r.predicate, r.object.text) for r in found.relations}
    assert triples == {("李雷", "居住地", "武汉"), ("张芳", "居住地", "武汉"), ("李雷", "认识", "张芳")}
    knows = next(r for r in found.relations if r.predicate == "认识")
    assert {slot: value.text for slot, value in knows.slots.items()} == {"地点": "武汉"}
    assert {(e.text, e.type) for e in found.entities} == {("李雷", "人物"), ("张芳", "人物"), ("武汉", "地点")}


def event_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """One or two events of the same type in a text, each with its own argument."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        text, events = "", []
        for _ in range(rng.randrange(1, 3)):
            start = len(text)
            text += f"{rng.choice(PEOPLE)}来到{rng.choice(CITIES)}，"
            arguments = [
                {"role": "人", "start": start, "end": start + 2},
                {"role": "地点", "start": start + 4, "end": start + 6},
            ]
            trigger = {"start": start + 2, "end": start + 4}
            events.append({"type": "到达", "trigger": trigger, "arguments": arguments})
        rows.append({"text": text, "events": events})
    return rows


def test_two_events_of_one_type_in_a_text_are_kept_apart(encoder_folder: Path, tmp_path: Path, write: Write) -> None:
    train, dev = write("train.jsonl", event_rows(150, 0)), write("dev.jsonl", event_rows(40, 1))
    result = finetune(settings(encoder_folder, tmp_path, "event", train, dev, num_train_epochs=12))
    assert result.metric == "duee_f1"
    assert result.value > 0.9
    same_again(result, "event", dev)
    found = load_extractor(result.output).extract(["李雷来到北京，张芳来到武汉，"])[0]
    assert [(e.type, e.trigger and e.trigger.text, [a.text for a in e.arguments]) for e in found.events] == [
        ("到达", "来到", ["李雷", "北京"]),
        ("到达", "来到", ["张芳", "武汉"]),
    ]


def question_rows(count: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        city = rng.choice(CITIES)
        before = "".join(rng.choices("今天去了和见面", k=rng.randrange(1, 6)))
        known = rng.random() < 0.7
        text = f"{before}在{city}工作" if known else f"{before}工作"
        start = len(before) + 1
        answers = [{"start": start, "end": start + 2, "text": city}] if known else []
        rows.append({"text": text, "question": "在工作?", "answers": answers})
    return rows


def test_answers_are_found_and_their_absence_too(encoder_folder: Path, tmp_path: Path, write: Write) -> None:
    train, dev = write("train.jsonl", question_rows(150, 0)), write("dev.jsonl", question_rows(50, 1))
    result = finetune(settings(encoder_folder, tmp_path, "mrc", train, dev, max_length=32, stride=8))
    assert result.metric == "f1"
    assert result.value > 0.9
    assert result.best.metrics["answerable_accuracy"] > 0.9
    same_again(result, "mrc", dev)
    extractor = load_extractor(result.output)
    found = extractor.extract(
        [("在工作?", "今天在武汉工作"), ("在工作?", "今天工作"), ("在工作?", "今天去" * 20 + "在北京工作")]
    )
    assert [item.answer and item.answer.text for item in found] == ["武汉", None, "北京"]


def spelling_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """梅 stands where 北 belongs before 京, but also rightly in names."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        before = "".join(rng.choices("今天去了和见面王梅", k=rng.randrange(2, 7)))
        wrong = rng.random() < 0.5
        rows.append({"source": f"{before}在{'梅' if wrong else '北'}京a。", "target": f"{before}在北京a。"})
    return rows


@pytest.mark.parametrize("more", [{}, {"detection_weight": 0.3, "mask_probability": 0.1}])
def test_spelling_is_put_right_and_right_spelling_left_alone(
    encoder_folder: Path, tmp_path: Path, write: Write, more: dict[str, Any]
) -> None:
    train, dev = write("train.jsonl", spelling_rows(200, 0)), write("dev.jsonl", spelling_rows(60, 1))
    result = finetune(settings(encoder_folder, tmp_path, "correct", train, dev, **more))
    assert result.value > 0.9
    assert result.best.metrics["over_correction_rate"] < 0.1
    same_again(result, "correct", dev)
    found = load_extractor(result.output).extract(["王梅去了在梅京\u200ba。"])[0]
    assert found.correction == "王梅去了在北京\u200ba。"
    assert [(e.position, e.wrong, e.right) for e in found.edits] == [(5, "梅", "北")]


def test_a_wrong_character_that_the_vocabulary_lacks_is_put_right_too(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    rows = [{**row, "source": row["source"].replace("梅京", "龘京")} for row in spelling_rows(200, 0)]
    vocabulary = (encoder_folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    assert "龘" not in vocabulary
    train = write("train.jsonl", rows)
    result = finetune(settings(encoder_folder, tmp_path, "correct", train, train))
    assert result.value > 0.9
    same_again(result, "correct", train)


def test_a_confusion_set_bounds_what_may_be_put_in(encoder_folder: Path, tmp_path: Path, write: Write) -> None:
    train = write("train.jsonl", spelling_rows(100, 0))
    confusion = tmp_path / "confusion.txt"
    confusion.write_text("# shapes\n梅\t娜 芳\n京,凉\n", encoding="utf-8")
    result = finetune(
        settings(encoder_folder, tmp_path, "correct", train, train, confusion=str(confusion), num_train_epochs=1)
    )
    predicted = tmp_path / "predicted.jsonl"
    evaluate(EvaluateConfig(task="correct", model=result.output, data=train, output=str(predicted), threshold=0.0))
    changes = {(a, b) for e in read_examples(predicted) for a, b in zip(e.text, e.target or "", strict=True) if a != b}
    assert {a for a, _ in changes} <= {"梅", "京"}
    assert {b for _, b in changes} <= {"娜", "芳"}
    confusion.write_text("梅娜\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"confusion\.txt:1"):
        finetune(settings(encoder_folder, tmp_path / "b", "correct", train, train, confusion=str(confusion)))


def test_a_pretrained_encoder_corrects_without_fine_tuning_and_a_bare_one_is_refused(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    data = write("dev.jsonl", spelling_rows(20, 0))
    model = str(encoder_folder)
    sure = evaluate(EvaluateConfig(task="correct", model=model, data=data))
    assert sure.metrics["over_correction_rate"] == 0  # random weights are never 90 % sure
    eager = evaluate(EvaluateConfig(task="correct", model=model, data=data, threshold=0.0))
    assert eager.metrics["over_correction_rate"] > 0.5
    from transformers import AutoModel

    from macbert.finetuning.encoder import load_tokenizer
    from macbert.modeling.loading import quiet_transformers

    with quiet_transformers():
        encoder = AutoModel.from_pretrained(model)
        encoder.save_pretrained(tmp_path / "bare")
    load_tokenizer(model, encoder.config, 64).save_pretrained(tmp_path / "bare")
    with pytest.raises(UserError, match="masked-language-model head"):
        load_extractor(tmp_path / "bare", task="correct")


def test_texts_that_teach_nothing_are_refused(encoder_folder: Path, tmp_path: Path, write: Write) -> None:
    same = write("same.jsonl", [{"source": "好", "target": "好"}])
    none = write("none.jsonl", [{"text": "好", "question": "谁", "answers": []}])
    unasked = write("unasked.jsonl", [{"text": "好", "answers": [{"start": 0, "end": 1}]}])
    for task, path, message in (
        ("correct", same, "at least one mistake"),
        ("mrc", none, "at least one answer"),
        ("mrc", unasked, "a 'question'"),
        ("relation", write("r.jsonl", [{"text": "好", "entities": [], "relations": []}]), "at least one predicate"),
        ("event", write("e.jsonl", [{"text": "好", "events": []}]), "at least one event type"),
    ):
        with pytest.raises(UserError, match=message):
            finetune(settings(encoder_folder, tmp_path, task, path, path))
    assert not (tmp_path / "out").exists()


def test_cliques_are_all_and_only_the_maximal_ones() -> None:
    rng = random.Random(0)
    for _ in range(30):
        size = rng.randrange(1, 8)
        links: dict[int, set[int]] = {node: set() for node in range(size)}
        for a in range(size):
            for b in range(a):
                if rng.random() < 0.5:
                    links[a].add(b)
                    links[b].add(a)
        groups = [
            [node for node in range(size) if mask >> node & 1]
            for mask in range(1, 1 << size)
            if all(b in links[a] for a in range(size) for b in range(a) if mask >> a & 1 and mask >> b & 1)
        ]
        maximal = [g for g in groups if not any(set(g) < set(other) for other in groups)]
        assert maximal_cliques(links) == sorted(maximal)


def test_a_model_that_links_too_much_ends_in_a_bounded_number_of_groups() -> None:
    # The complement of pairs has 2^20 maximal cliques.
    links = {n: {m for m in range(40) if m != n and m != n ^ 1} for n in range(40)}
    assert len(maximal_cliques(links)) == MAX_GROUPS
