"""A tiny encoder and tiny tasks that it can learn."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from macbert.modeling import MacBertForPreTraining, model_config
from macbert.modeling.loading import quiet_transformers
from tokenizer import ChineseTokenizer, Vocabulary

SURNAMES, GIVEN = "李王张刘陈", "雷梅伟芳娜"
CITIES = ["北京", "上海", "广州", "重庆", "武汉"]
FILLER = "今天在去了和见面工作说昨来到"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads cost more than they give on models of this size."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a pretraining run leaves, one layer deep, with random weights."""
    folder = tmp_path_factory.mktemp("encoder")
    characters = dict.fromkeys(SURNAMES + GIVEN + "".join(CITIES) + FILLER + "好坏很不，。大学?")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *"abcdefgh0123456789", "##a", "##b", "##1"]
    tokenizer = ChineseTokenizer(Vocabulary(words), segmenter="char")
    config = model_config(
        "tiny", tokenizer.vocab_size, num_hidden_layers=1, hidden_size=64, num_attention_heads=1, intermediate_size=128
    )
    config.max_position_embeddings = 64
    with quiet_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        MacBertForPreTraining(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def name_rows() -> Callable[[int, int], list[dict[str, Any]]]:
    """Sentences with persons and places, as many as asked."""

    def rows(count: int, seed: int) -> list[dict[str, Any]]:
        rng = random.Random(seed)
        made = []
        for _ in range(count):
            text, entities = "", []
            for _ in range(rng.randrange(1, 4)):
                text += "".join(rng.choices(FILLER, k=rng.randrange(1, 4)))
                person = rng.random() < 0.5
                name = rng.choice(SURNAMES) + rng.choice(GIVEN) if person else rng.choice(CITIES)
                entities.append([len(text), len(text) + len(name), "人物" if person else "地点"])
                text += name
            made.append({"text": text + "。", "entities": entities})
        return made

    return rows


@pytest.fixture(scope="session")
def opinion_rows() -> Callable[[int, int], list[dict[str, Any]]]:
    """Sentences that are good or bad."""

    def rows(count: int, seed: int) -> list[dict[str, Any]]:
        rng = random.Random(seed)
        made = []
        for _ in range(count):
            good = rng.random() < 0.5
            text = "".join(rng.choices(FILLER, k=5)) + "很" + ("好" if good else "坏")
            made.append({"text": text, "label": "好评" if good else "差评"})
        return made

    return rows


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, list[Any]], str]:
    """Write rows as JSON lines and return the path."""

    def writer(name: str, rows: list[Any]) -> str:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return str(path)

    return writer
