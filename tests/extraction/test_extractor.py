from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import UserError
from macbert.annotations import Example, read_examples
from macbert.extraction import Extractor, load_extractor, predict
from macbert.finetuning import PredictConfig
from macbert.finetuning.folder import save_finetuned
from macbert.finetuning.tasks import task_class
from macbert.modeling import build_model
from macbert.modeling.loading import quiet_transformers
from tokenizer import ChineseTokenizer, Vocabulary

# Characters on which offsets go wrong: spaces, zero-width, combining, emoji with joiners, full-width, surrogates.
TRAPS = "李雷北京aAbB1１ ｗ\u3000\t\n\u200b\u200d\ufeff\u0301\u0300é\U0001f468\U0001f469\ufe0f\u2028\x00\ufffd\ud800İßﬁ"


@pytest.fixture(scope="session", params=["bio", "crf", "pointer"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A name extractor whose random weights name nearly everything."""
    path = tmp_path_factory.mktemp("extractor")
    encoder = path / "encoder"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"李雷在北京工作。abcdefi1", "##a", "##b", "##1"]
    tokenizer = ChineseTokenizer(Vocabulary(words), segmenter="char")
    with quiet_transformers():
        build_model("tiny", tokenizer.vocab_size).save_pretrained(encoder)
        tokenizer.save_pretrained(encoder)
        cls = task_class("ner", request.param)
        task = cls(tokenizer, ["人物", "地点"], max_length=16, stride=4, options={"head": request.param})
        model = task.build_model(str(encoder), init="pretrained", seed=1)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "classifier.weight" in name or "pointer.bias.weight" in name:
                    parameter.mul_(20)
        save_finetuned(task, model, path / "model")
    return path / "model"


@pytest.fixture(scope="session")
def extractor(folder: Path) -> Extractor:
    return load_extractor(folder)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(st.text(st.one_of(st.sampled_from(TRAPS), st.characters()), max_size=60), max_size=4))
def test_every_answer_is_a_slice_of_the_text_as_given(extractor: Extractor, texts: list[str]) -> None:
    found = extractor.extract(texts)
    assert [item.text for item in found] == texts
    for text, item in zip(texts, found, strict=True):
        for name in item.entities:
            assert text[name.start : name.end] == name.text != ""
            assert 0 <= (name.score or 0) <= 1
        assert [(e.start, e.end) for e in item.entities] == sorted((e.start, e.end) for e in item.entities)


def test_the_property_is_not_empty(extractor: Extractor) -> None:
    assert sum(len(item.entities) for item in extractor.extract(["李雷在北京工作。", "e\u0301 a\u200bb １"])) > 3


def test_batches_and_company_change_nothing(extractor: Extractor) -> None:
    texts = ["李雷在北京工作。" * n for n in (1, 7, 2, 12, 3)] + [""]
    alone = [extractor.extract([text])[0] for text in texts]
    for tokens in (1, 40, 10_000):
        together = extractor.extract(texts, max_batch_tokens=tokens)
        assert [[(e.start, e.end, e.type) for e in item.entities] for item in together] == [
            [(e.start, e.end, e.type) for e in item.entities] for item in alone
        ]


def test_a_long_text_is_read_to_its_end(extractor: Extractor) -> None:
    text = "李雷在北京工作。" * 200
    found = extractor.extract([text])[0]
    assert max(name.end for name in found.entities) > len(text) - 16


def test_one_string_is_not_a_list_of_texts(extractor: Extractor) -> None:
    with pytest.raises(TypeError, match="a list of texts"):
        extractor.extract("李雷在北京工作。")


def keys(examples: list[Example]) -> list[list[tuple[int, int, str]]]:
    return [[entity.key for entity in example.entities or ()] for example in examples]


def test_predictions_are_in_the_annotation_format(folder: Path, tmp_path: Path) -> None:
    texts = ["李雷在北京工作。", "北京"]
    printed = predict(PredictConfig(model=str(folder), text=texts))
    rows: list[Any] = [json.loads(line) for line in printed.lines()]
    assert [row["text"] for row in rows] == texts
    assert all({"start", "end", "type", "text", "score"} == set(e) for row in rows for e in row["entities"])
    source = tmp_path / "in.jsonl"
    labelled = [{"id": n, "text": text, "entities": [[0, 1, "假"]], "label": "假"} for n, text in enumerate(texts)]
    source.write_text("\n".join(map(json.dumps, labelled)), encoding="utf-8")
    done = predict(PredictConfig(model=str(folder), input=str(source), output=str(tmp_path / "out.jsonl")))
    assert done.lines() == [f"2 texts -> {tmp_path / 'out.jsonl'}"]
    again = read_examples(tmp_path / "out.jsonl")
    assert [example.id for example in again] == ["0", "1"]
    assert all(example.label is None for example in again)
    assert keys(again) == keys(printed.examples)
    lines = tmp_path / "in.txt"
    lines.write_text("\n".join(texts) + "\n\n", encoding="utf-8")
    plain = predict(PredictConfig(model=str(folder), input=str(lines)))
    assert keys(plain.examples) == keys(again)


@pytest.mark.parametrize(("content", "message"), [("", "at least one text"), ('{"text": 3}', r"in\.jsonl:1")])
def test_files_without_texts_are_refused_and_nothing_is_written(
    folder: Path, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "in.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        predict(PredictConfig(model=str(folder), input=str(tmp_path / "in.jsonl"), output=str(tmp_path / "out.jsonl")))
    assert not (tmp_path / "out.jsonl").exists()
