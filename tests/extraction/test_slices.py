"""Relations, events, answers and corrections over any Unicode: every span is a slice of the text as it was given."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from macbert.extraction import Extractor, load_extractor
from macbert.finetuning.folder import save_finetuned
from macbert.finetuning.tasks import task_class
from macbert.modeling import MacBertForPreTraining, model_config
from macbert.modeling.loading import quiet_transformers
from tokenizer import ChineseTokenizer, Vocabulary

# Characters on which offsets go wrong: spaces, zero-width, combining, emoji with joiners, full-width, surrogates.
TRAPS = "李雷北京aAbB1１ ｗ\u3000\t\n\u200b\u200d\ufeff\u0301\u0300é\U0001f468\U0001f469\ufe0f\u2028\x00\ufffd\ud800İßﬁ"
TEXTS = st.lists(st.text(st.one_of(st.sampled_from(TRAPS), st.characters()), max_size=50), max_size=3)

TASKS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "relation": (["在", "在/时间"], {"argument_types": {"在": ["人物", "地点"], "在/时间": ["人物", "时间"]}}),
    "event": (["到达"], {"cells": [["到达", ""], ["到达", "人"], ["到达", "地点"]], "needs_trigger": False}),
    "mrc": (["answer"], {"always_answers": True}),
    "correct": ([], {"threshold": 0.0, "detection_weight": 0.0}),
}


@pytest.fixture(scope="module", params=TASKS)
def extractor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Extractor:
    """An extractor whose random weights find nearly everything."""
    path = tmp_path_factory.mktemp("extractor")
    encoder = path / "encoder"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"李雷在北京工作。abcdefi1", "##a", "##b", "##1"]
    tokenizer = ChineseTokenizer(Vocabulary(words), segmenter="char")
    labels, options = TASKS[request.param]
    with quiet_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        shape = {"num_hidden_layers": 1, "hidden_size": 32, "num_attention_heads": 1, "intermediate_size": 32}
        MacBertForPreTraining(model_config("tiny", tokenizer.vocab_size, **shape)).save_pretrained(encoder)
        tokenizer.save_pretrained(encoder)
        task = task_class(request.param)(tokenizer, labels, max_length=16, stride=4, options=options)
        model = task.build_model(str(encoder), init="pretrained", seed=1)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if ".bias.weight" in name:
                    parameter.mul_(20)
        save_finetuned(task, model, path / "model")
    return load_extractor(path / "model")


def asked(extractor: Extractor, texts: list[str]) -> list[Any]:
    return [("在哪？", text) for text in texts] if extractor.task == "mrc" else list(texts)


def spans_of(found: Any) -> list[Any]:
    spans = [*found.entities, *([found.answer] if found.answer else [])]
    for event in found.events:
        spans += [*([event.trigger] if event.trigger else []), *event.arguments]
    return spans


@settings(max_examples=25, deadline=None)
@given(texts=TEXTS)
def test_every_answer_is_a_slice_of_the_text_as_given(extractor: Extractor, texts: list[str]) -> None:
    results = extractor.extract(asked(extractor, texts))
    assert [item.text for item in results] == texts
    for text, item in zip(texts, results, strict=True):
        for span in spans_of(item):
            assert text[span.start : span.end] == span.text != ""
        for relation in item.relations:
            assert {relation.subject, relation.object, *relation.slots.values()} <= set(item.entities)
        if item.correction is not None:
            assert len(item.correction) == len(text)
            assert all(text[e.position] == e.wrong and item.correction[e.position] == e.right for e in item.edits)


def test_the_property_is_not_empty(extractor: Extractor) -> None:
    results = extractor.extract(asked(extractor, ["李雷在北京工作。", "e\u0301 a\u200bb １", "北京李雷" * 12]))
    kinds = {
        "relation": sum(len(item.relations) for item in results),
        "event": sum(len(item.events) for item in results),
        "mrc": sum(item.answer is not None for item in results),
        "correct": sum(len(item.edits) for item in results),
    }
    assert kinds[extractor.task] > 2


def test_batches_and_company_change_nothing(extractor: Extractor) -> None:
    texts = asked(extractor, ["李雷在北京工作。" * n for n in (1, 5, 2, 3)])
    alone = [spans_of(extractor.extract([text])[0]) for text in texts]
    for tokens in (1, 10_000):
        together = extractor.extract(texts, max_batch_tokens=tokens)
        for found, own in zip(together, alone, strict=True):
            assert [(s.start, s.end) for s in spans_of(found)] == [(s.start, s.end) for s in own]
