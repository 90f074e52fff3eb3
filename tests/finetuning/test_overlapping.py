"""Triples that share arguments, pairs and characters: what GPLinker finds and no pipeline over BIO labels can say."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from macbert.annotations import Entity, Example, Relation, parse_example, read_examples
from macbert.finetuning import EvaluateConfig, FinetuneConfig, evaluate, finetune
from macbert.finetuning.bio import Alignment, decode_bio, encode_bio
from macbert.finetuning.windows import tokenize
from macbert.metrics import score_relations
from macbert.metrics.relations import triple
from tokenizer import ChineseTokenizer

Write = Callable[[str, list[Any]], str]
PEOPLE = [a + b for a in "李王张刘陈" for b in "雷梅伟芳娜"]
CITIES = ["北京", "上海", "广州", "重庆", "武汉"]


def overlapping_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Two colleagues at a city's university.

    The university holds the city in its name (nested arguments), both work there (a shared object), and the first lives
    in the city and has studied in it (two predicates for one pair).
    """
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        a, b, city = *rng.sample(PEOPLE, 2), rng.choice(CITIES)
        text = f"{a}和{b}在{city}大学工作"
        entities = [[0, 2, "人物"], [3, 5, "人物"], [6, 10, "机构"], [6, 8, "地点"]]
        relations = [
            (0, "就职", 2),
            (1, "就职", 2),
            (2, "位于", 3),
            (0, "居住地", 3),
            (0, "就读地", 3),
        ]
        made = [{"subject": s, "predicate": p, "object": o} for s, p, o in relations]
        rows.append({"text": text, "entities": entities, "relations": made})
    return rows


def best_of_any_bio_pipeline(tokenizer: ChineseTokenizer, gold: Sequence[Example]) -> list[Example]:
    """Return what token labels that are all right, and then one right predicate for each pair of names, come to."""
    best = []
    for example in gold:
        tokens = tokenize(tokenizer, [example.text])[0]
        types = {kind: n for n, kind in enumerate(sorted({e.type for e in example.entities or ()}))}
        labels = encode_bio(tokens, example.entities or (), types, Alignment())
        kinds = list(types)
        said = [Entity(*tokens.characters(a, b), kinds[kind]) for a, b, kind in decode_bio(labels)]
        entities, chosen = example.entities or (), {}
        for relation in example.relations or ():
            parts = [entities[n] for n in (relation.subject, relation.object, *relation.slots.values())]
            if all(part in said for part in parts):
                subject, object_, *slots = map(said.index, parts)
                named = dict(zip(relation.slots, slots, strict=True))
                chosen.setdefault((subject, object_), Relation(subject, relation.predicate, object_, named))
        best.append(Example(example.text, entities=tuple(said), relations=tuple(chosen.values())))
    return best


def test_gplinker_finds_triples_that_no_bio_pipeline_can_say(
    encoder_folder: Path, tmp_path: Path, write: Write
) -> None:
    train, dev = write("train.jsonl", overlapping_rows(120, 0)), write("dev.jsonl", overlapping_rows(40, 1))
    gold = read_examples(dev)
    bound = best_of_any_bio_pipeline(ChineseTokenizer.from_pretrained(str(encoder_folder), segmenter="char"), gold)
    # Of five triples a text, the city inside the university cannot be labelled too: three are lost.
    assert score_relations(gold, bound).metrics["duie_recall"] == 2 / 5
    settings: dict[str, Any] = {"max_length": 32, "stride": 8, "learning_rate": 3e-3, "head_learning_rate": 1e-2}
    config = FinetuneConfig(
        task="relation",
        model=str(encoder_folder),
        train=train,
        dev=dev,
        output=str(tmp_path / "out"),
        num_train_epochs=8,
        per_device_train_batch_size=16,
        **settings,
    )
    result = finetune(config)
    assert result.value > 0.9
    predicted = tmp_path / "predicted.jsonl"
    evaluate(EvaluateConfig(task="relation", model=result.output, data=dev, output=str(predicted)))
    new = found = 0
    for right, sayable, ours in zip(gold, bound, read_examples(predicted), strict=True):
        sets = [{triple(x, r) for r in x.relations or ()} for x in (right, sayable, ours)]
        new += len(sets[0] - sets[1])
        found += len((sets[0] - sets[1]) & sets[2])
    assert new == 3 * 40
    assert found > 0.9 * new


def test_the_bound_of_bio_pipelines_is_one_where_nothing_overlaps() -> None:
    row = overlapping_rows(1, 0)[0]
    row["entities"][2:] = [[6, 10, "机构"]]
    row["relations"] = row["relations"][:2]
    example, problems = parse_example(row, "a:1")
    assert example is not None
    assert not problems
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(example.text)]
    from tokenizer import Vocabulary

    tokenizer = ChineseTokenizer(Vocabulary(vocabulary), segmenter="char")
    assert score_relations([example], best_of_any_bio_pipeline(tokenizer, [example])).value == 1
