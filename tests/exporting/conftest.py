"""A one-layer encoder, and a model of every head on it, with weights large enough to find something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from macbert.finetuning.folder import save_finetuned
from macbert.finetuning.heads.pointer import PointerHead, text_positions
from macbert.finetuning.tasks import task_class
from macbert.modeling import MacBertForPreTraining, model_config
from macbert.modeling.loading import quiet_transformers
from tokenizer import ChineseTokenizer, Vocabulary

TEXT = "今天王芳在北京大学见到了李雷和韩梅梅，他们去上海工作，说武汉很好。昨天刘伟来到重庆，再也没有见面！😀１２３ABC"

HEADS: dict[str, tuple[str, str, list[str], dict[str, Any]]] = {
    "classify": ("classify", "auto", ["好评", "差评"], {"multi_label": False, "pair": False}),
    "pairs with many labels": ("classify", "auto", ["一", "二", "三"], {"multi_label": True, "pair": True}),
    "bio": ("ner", "bio", ["人物", "地点"], {"head": "bio"}),
    "crf": ("ner", "crf", ["人物", "地点"], {"head": "crf"}),
    "pointer": ("ner", "pointer", ["人物", "地点"], {"head": "pointer"}),
    "relation": (
        "relation",
        "auto",
        ["任职", "任职/时间", "出生地"],
        {"argument_types": {name: ["人物", "地点"] for name in ("任职", "任职/时间", "出生地")}},
    ),
    "event": (
        "event",
        "auto",
        ["会面", "出行"],
        {"cells": [["会面", ""], ["会面", "人物"], ["出行", ""], ["出行", "地点"]], "needs_trigger": True},
    ),
    "mrc": ("mrc", "auto", ["answer"], {"always_answers": False}),
    "correct": ("correct", "auto", [], {"threshold": 0.0, "detection_weight": 0.0}),
    "correct with a confusion set": (
        "correct",
        "auto",
        [],
        {"threshold": 0.0, "detection_weight": 0.3, "confusion": {"王": "李张", "北": "上重", "今": "昨"}},
    ),
}
"""Task, head, labels and options by a name."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with ``any_head`` every head."""
    if "any_head" in metafunc.fixturenames:
        metafunc.parametrize("any_head", HEADS)


@pytest.fixture(scope="session")
def texts() -> list[Any]:
    """Texts of many lengths: empty, one sign, some windows long, with signs that the tokenizer does not know."""
    pieces = [TEXT[start:stop] for start, stop in ((0, 12), (3, 30), (10, 13), (0, len(TEXT)))]
    return ["", "王", *pieces, "龘".join(pieces), "e\u0301", TEXT * 2]


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a pretraining run leaves, one layer deep, with random weights."""
    folder = tmp_path_factory.mktemp("encoder")
    characters = sorted(set(TEXT.lower()) - {"１", "２", "３", "😀"})
    tokenizer = ChineseTokenizer(
        Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, "谁", "##1", "##b"]), segmenter="char"
    )
    small = {"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128}
    config = model_config("tiny", tokenizer.vocab_size, **small)
    config.max_position_embeddings = 64
    config.initializer_range = 0.2
    with quiet_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        MacBertForPreTraining(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_sparse(model: Any, tokenizer: ChineseTokenizer) -> None:
    """Let a tenth of the pairs of each pointer head have a score above 0: with random weights half of them would."""
    heads = [module for module in model.modules() if isinstance(module, PointerHead)]
    if not heads:
        return
    ids = torch.from_numpy(tokenizer.encode(TEXT[:22]).input_ids.astype("int64"))[None]
    mask = torch.ones_like(ids)
    with torch.no_grad():
        hidden = model.eval().hidden(ids, torch.zeros_like(ids), mask)
        for head in heads:
            scores = head(hidden, text_positions(mask))
            head.bias.bias -= scores[scores.isfinite()].quantile(0.9) / 2


@pytest.fixture(scope="session")
def model_of(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write a fine-tuned folder of a head (by its name in HEADS) with random weights."""
    made: dict[str, Path] = {}

    def build(name: str) -> Path:
        if name not in made:
            task_name, head, labels, options = HEADS[name]
            tokenizer = ChineseTokenizer.from_pretrained(str(encoder), segmenter="char")
            task = task_class(task_name, head)(tokenizer, labels, max_length=24, stride=8, options=options)
            model = task.build_model(str(encoder), init="pretrained", seed=1)
            if head == "crf":
                with torch.no_grad(), torch.random.fork_rng():
                    torch.manual_seed(2)
                    for weights in model.crf.parameters():
                        weights.normal_()
            make_sparse(model, tokenizer)
            made[name] = tmp_path_factory.mktemp("model")
            save_finetuned(task, model, made[name])
        return made[name]

    return build
