"""The road by its commands, one by one, on the evening news and CLUENER; and what transformers makes of its end."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import zstandard

from macbert.cli import main
from macbert.modeling import load_model
from tokenizer import ChineseTokenizer, TokenDocuments

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).resolve().parent.parent
NEWS, CLUENER = "raw/news_xwlb.jsonl.zst", "tasks/ner_cluener"

OUR_LINES = re.compile(r"[\w -]+━.*|\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\].*| {20,}.*")
"""What may stand on the error stream when all is well: our progress bars and log lines."""


@dataclass(frozen=True)
class Road:
    """A folder in which the road was walked, the result of each command, and all that stood on the error stream."""

    folder: Path
    results: dict[str, Any]
    errors: str


def lines(path: Path, count: int | None = None) -> Iterator[str]:
    with zstandard.open(path, "rt", encoding="utf-8") as stream:
        yield from itertools.islice(stream, count)


def walk(
    folder: Path, data: Path, *, documents: int | None, labelled: int | None, steps: int, tuning: dict[str, Any]
) -> Road:
    """Take the road from raw news to predictions; ``None`` takes a file whole."""
    raw = data / NEWS
    if documents is not None:
        raw = folder / "news.jsonl"
        raw.write_text("".join(lines(data / NEWS, documents)), encoding="utf-8")
    for part, count in (("train", labelled), ("dev", labelled and labelled // 3)):
        rows = "".join(lines(data / CLUENER / f"{part}.jsonl.zst", count))
        (folder / f"{part}.jsonl").write_text(rows, encoding="utf-8")
    results: dict[str, Any] = {}
    errors = io.StringIO()

    def macbert(command: str, **settings: Any) -> None:
        flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = main([*command.split(), *flags, "--json"])
        assert code == 0, errors.getvalue()
        results[command] = json.loads(out.getvalue())

    corpus, tokenizer, tokens, run, ner = (folder / name for name in ("corpus", "tokenizer", "tokens", "run", "ner"))
    train, dev, found = folder / "train.jsonl", folder / "dev.jsonl", folder / "found.jsonl"
    macbert("corpus build", input=raw, output=corpus)
    macbert("tokenizer train", input=corpus, output=tokenizer, vocab_size=8000)
    macbert("tokenizer similar", input=corpus, tokenizer=tokenizer, output=tokenizer)
    macbert("tokenizer encode", input=corpus, tokenizer=tokenizer, output=tokens, heldout_fraction=0.02)
    macbert("pretrain", model="tiny", data=tokens, output=run, max_steps=steps, global_batch_size=32, logging_steps=5)
    macbert("finetune ner", model=run, train=train, dev=dev, output=ner, **tuning)
    macbert("evaluate ner", model=ner, data=dev, output=folder / "scored.jsonl")
    macbert("predict", model=ner, input=dev, output=found)
    return Road(folder, results, errors.getvalue())


@pytest.fixture(scope="module")
def road(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """A short walk: three hundred news, ten steps of pretraining, two of fine-tuning (names are found at random)."""
    folder = tmp_path_factory.mktemp("road")
    tuning = {"max_steps": 2, "eval_strategy": "steps", "eval_steps": 2}
    return walk(folder, shared_data, documents=300, labelled=300, steps=10, tuning=tuning)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def check_counts(road: Road, read: int) -> None:
    """What goes into a stage is what came out of the one before."""
    corpus, encoded = road.results["corpus build"], road.results["tokenizer encode"]
    assert (
        corpus["read"] == read == corpus["kept"] + sum(corpus["dropped"].values()) + sum(corpus["quarantined"].values())
    )
    assert corpus["kept"] == encoded["documents"] + encoded["heldout_documents"] + encoded["empty_documents"]
    for name, part in (("", ""), ("heldout", "heldout_")):
        documents = TokenDocuments.open(road.folder / "tokens" / name)
        assert len(documents) == encoded[f"{part}documents"] > 0
        assert documents.lengths.sum() == encoded[f"{part}tokens"]
    assert 0 < road.results["tokenizer similar"]["coverage"] <= 1
    run = road.results["pretrain"]
    assert run["finished"]
    assert run["step"] == run["max_steps"]
    assert 0 < run["tokens"] <= run["step"] * 32 * 128
    log = rows_of(road.folder / "run" / "log.jsonl")
    assert [line["step"] for line in log if line.get("mlm_loss") is not None] == list(range(5, run["step"] + 1, 5))
    assert {"eval_mlm_loss", "eval_mlm_accuracy", "eval_sop_accuracy", "eval_perplexity"} <= set(run["evaluation"])


def check_scores(road: Road) -> None:
    """The metrics have their names, and the saved model scores on dev what it scored while training."""
    tuned, scored = road.results["finetune ner"], road.results["evaluate ner"]
    gold = rows_of(road.folder / "dev.jsonl")
    assert tuned["dev_examples"] == scored["examples"] == len(gold)
    assert {"strict_span_precision", "strict_span_recall", "strict_span_f1", "cluener_f1"} <= set(scored["metrics"])
    assert scored["primary"] == tuned["metric"] == "strict_span_f1"
    assert scored["value"] == pytest.approx(tuned["seeds"][0]["value"])
    right = found = labelled = 0
    for wanted, given in zip(gold, rows_of(road.folder / "scored.jsonl"), strict=True):
        assert given["text"] == wanted["text"]
        mine = {(e["start"], e["end"], e["type"]) for e in given["entities"]}
        theirs = {tuple(entity) for entity in wanted["entities"]}
        right, found, labelled = right + len(mine & theirs), found + len(mine), labelled + len(theirs)
    assert found > 0
    assert scored["metrics"]["strict_span_precision"] == pytest.approx(right / found)
    assert scored["metrics"]["strict_span_recall"] == pytest.approx(right / labelled)


def check_spans(road: Road) -> None:
    """Every span that is predicted slices its text, and its characters are told."""
    predicted = rows_of(road.folder / "found.jsonl")
    assert [row["text"] for row in predicted] == [row["text"] for row in rows_of(road.folder / "dev.jsonl")]
    entities = [(row["text"], entity) for row in predicted for entity in row["entities"]]
    assert entities
    for text, entity in entities:
        assert 0 <= entity["start"] < entity["end"] <= len(text)
        assert text[entity["start"] : entity["end"]] == entity["text"]
        assert 0 < entity["score"] <= 1


def test_the_road_is_walked_and_the_counts_of_its_stages_add_up(road: Road) -> None:
    check_counts(road, 300)


def test_metrics_have_names_and_are_those_of_the_written_predictions(road: Road) -> None:
    check_scores(road)


def test_predicted_spans_slice_the_text(road: Road) -> None:
    check_spans(road)


def test_libraries_say_nothing_on_the_way(road: Road) -> None:
    stray = [line for line in road.errors.splitlines() if line.strip() and not OUR_LINES.fullmatch(line)]
    assert stray == []


def test_a_process_of_its_own_answers_on_standard_output_and_says_nothing_else(road: Road) -> None:
    text = "彭小军认为，国内银行现在走的是台湾的发卡模式。"
    done = subprocess.run(
        [sys.executable, "-m", "macbert", "predict", "--model", str(road.folder / "ner"), "--text", text],
        cwd=road.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    row = json.loads(line)
    assert row["text"] == text
    assert all(text[e["start"] : e["end"]] == e["text"] for e in row["entities"])
    assert [line for line in done.stderr.splitlines() if line.strip() and not OUR_LINES.fullmatch(line)] == []


@pytest.mark.slow
def test_the_whole_news_are_walked_too(shared_data: Path, tmp_path: Path) -> None:
    read = sum(1 for _ in lines(shared_data / NEWS))
    whole = walk(tmp_path, shared_data, documents=None, labelled=None, steps=100, tuning={"learning_rate": 1e-3})
    check_counts(whole, read)
    check_scores(whole)
    check_spans(whole)
    log = [line["mlm_loss"] for line in rows_of(tmp_path / "run" / "log.jsonl") if line.get("mlm_loss") is not None]
    assert log[-1] < log[0] - 0.5
    # Of ten types and a sentence's some 800 spans, chance finds next to none.
    assert whole.results["evaluate ner"]["value"] > 0.05


# Below: plain transformers and what the road made.


@pytest.fixture(scope="module")
def texts(road: Road) -> list[str]:
    return [row["text"] for row in rows_of(road.folder / "dev.jsonl")]


def load(name: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    import transformers

    model, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    return model.eval(), info


def test_transformers_loads_the_run_for_pretraining_with_every_key_and_no_other(road: Road) -> None:
    _, info = load("BertForPreTraining", road.folder / "run")
    assert {name: list(keys) for name, keys in info.items() if keys} == {}
    assert {"missing_keys", "unexpected_keys", "mismatched_keys"} <= set(info)


def test_transformers_loads_the_run_as_a_masked_language_model_without_pooler_and_order_head(road: Road) -> None:
    _, info = load("BertForMaskedLM", road.folder / "run")
    assert list(info["missing_keys"]) == list(info["mismatched_keys"]) == []
    assert {re.sub(r"(weight|bias)$", "*", key).replace("dense.", "") for key in info["unexpected_keys"]} == {
        "bert.pooler.*",
        "cls.seq_relationship.*",
    }


def test_transformers_tokenizer_of_the_run_gives_our_ids(road: Road, texts: list[str]) -> None:
    from transformers import AutoTokenizer

    ours = ChineseTokenizer.from_pretrained(str(road.folder / "run"))
    for folder in ("run", "ner", "tokenizer"):
        theirs = AutoTokenizer.from_pretrained(road.folder / folder)
        for text in [*texts, "Riddick在2008年说：“Café”——𠮷野家…"]:
            assert theirs(text, add_special_tokens=False)["input_ids"] == ours.encode(text).input_ids.tolist()


@torch.no_grad()
def test_logits_of_transformers_and_ours_agree(road: Road, texts: list[str]) -> None:
    from transformers import AutoTokenizer

    ours = load_model(str(road.folder / "run")).model.eval()
    theirs, _ = load("BertForPreTraining", road.folder / "run")
    batch = AutoTokenizer.from_pretrained(road.folder / "run")(texts[:16], padding=True, return_tensors="pt")
    generator = torch.Generator().manual_seed(0)
    shape = (4, 60)
    mask = (torch.arange(60) < torch.tensor([60, 41, 7, 1])[:, None]).long()
    drawn = {
        "input_ids": torch.randint(ours.config.vocab_size, shape, generator=generator),
        "token_type_ids": torch.randint(2, shape, generator=generator),
        "attention_mask": mask,
    }
    for inputs in (dict(batch), drawn):
        mine, other = ours(**inputs), theirs(**inputs)
        real = inputs["attention_mask"].bool()
        assert (mine.prediction_logits - other.prediction_logits)[real].abs().max() <= 1e-5
        assert (mine.seq_relationship_logits - other.seq_relationship_logits).abs().max() <= 1e-5


def test_the_pipeline_of_transformers_finds_our_names(road: Road, texts: list[str]) -> None:
    from transformers import pipeline

    from macbert import load_extractor

    theirs = pipeline("token-classification", model=str(road.folder / "ner"), aggregation_strategy="simple")
    ours = load_extractor(road.folder / "ner").extract(texts)
    found = 0
    for text, mine in zip(texts, ours, strict=True):
        other = theirs(text)
        assert [(e.start, e.end, e.type) for e in mine.entities] == [
            (e["start"], e["end"], e["entity_group"]) for e in other
        ]
        assert [e.score for e in mine.entities] == pytest.approx([float(e["score"]) for e in other], abs=1e-5)
        found += len(other)
    assert found > 0


def test_the_pipeline_of_transformers_gives_our_labels(small_road: Any) -> None:
    from transformers import pipeline

    from macbert import load_extractor

    reviews = [row["text"] for row in rows_of(small_road.reviews)]
    theirs = pipeline("text-classification", model=str(small_road.classify))(reviews)
    ours = load_extractor(small_road.classify).extract(reviews)
    assert [mine.label for mine in ours] == [other["label"] for other in theirs]
    assert [mine.score for mine in ours] == pytest.approx([other["score"] for other in theirs], abs=1e-5)


@torch.no_grad()
def test_logits_of_a_fine_tuned_folder_agree_too(road: Road, texts: list[str]) -> None:
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    from macbert.finetuning.folder import load_finetuned

    batch = AutoTokenizer.from_pretrained(road.folder / "ner")(texts[:16], padding=True, return_tensors="pt")
    theirs = AutoModelForTokenClassification.from_pretrained(road.folder / "ner").eval()(**batch).logits
    ours = load_finetuned(str(road.folder / "ner")).model(**batch).logits
    assert (ours - theirs)[batch["attention_mask"].bool()].abs().max() <= 1e-5
