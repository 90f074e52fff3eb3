"""What tests of every floor share."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

os.environ["MACBERT_LANG"] = "en"  # whatever the machine speaks, messages are compared in English


@pytest.fixture(scope="session")
def load_file() -> Callable[[Path], ModuleType]:
    """Loads a Python file that is in no package: a script, or something that several tests start."""

    def load(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # A dataclass looks its module up while it is being made.
        sys.modules[path.stem] = module
        before = [*sys.path]
        spec.loader.exec_module(module)
        sys.path[:] = before
        return module

    return load


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The development data beside the checkout; absent for users, whose tests skip what needs it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("development data (../shared/data) is not beside this checkout")
    return folder


@contextlib.contextmanager
def torch_in_one_thread() -> Iterator[None]:
    """Threads cost more than they give on models of a test's size."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread while a module's tests run."""
    with torch_in_one_thread():
        yield


@dataclass(frozen=True)
class SmallRoad:
    """The folder of every stage of the road, made once from some pages of the People's Daily; read, never written."""

    raw: Path
    corpus: Path
    tokenizer: Path
    tokens: Path
    run: Path
    train: Path
    dev: Path
    ner: Path
    reviews: Path
    classify: Path


@pytest.fixture(scope="session")
def small_road(tmp_path_factory: pytest.TempPathFactory) -> SmallRoad:
    """Walk the road once by its commands, with a model of one step: for tests of what the commands do with folders."""
    from macbert.cli import main
    from macbert.demo.source import people_daily, reviews

    folder = tmp_path_factory.mktemp("small_road")
    road = SmallRoad(
        **{name: folder / name for name in SmallRoad.__dataclass_fields__ if name not in _FILES},
        **{name: folder / f"{name}.jsonl" for name in _FILES},
    )
    pages = [page for page, _ in zip(people_daily(), range(40), strict=False)]
    write_lines(road.raw, [{"id": name, "text": "\n".join(part.text for part in page)} for name, page in pages])
    named = [
        {
            "text": part.text,
            "entities": [{"start": start, "end": end, "type": kind} for start, end, kind in part.names()],
        }
        for _, page in pages
        for part in page
        if len(part.text) < 80
    ]
    write_lines(road.train, named[:60])
    write_lines(road.dev, named[60:90])
    opinions = [{"text": text[:60], "label": label} for _, text, label in reviews()]
    write_lines(road.reviews, [*opinions[:20], *opinions[-20:]])

    def macbert(command: str, **settings: Any) -> None:
        flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        assert main([*command.split(), *flags, "--quiet"]) == 0, command

    with torch_in_one_thread():
        source = {"input": road.corpus, "tokenizer": road.tokenizer}
        macbert("corpus build", input=road.raw, output=road.corpus, preset="keep-all")
        macbert("tokenizer train", input=road.corpus, output=road.tokenizer, vocab_size=3000)
        macbert("tokenizer similar", **source, output=road.tokenizer, min_count=3)
        macbert(
            "tokenizer encode", input=road.corpus, tokenizer=road.tokenizer, output=road.tokens, heldout_fraction=0.05
        )
        macbert("pretrain", model="tiny", data=road.tokens, output=road.run, max_steps=1, global_batch_size=4)
        steps = {"model": road.run, "max_steps": 2, "eval_strategy": "steps", "eval_steps": 2}
        macbert("finetune ner", train=road.train, dev=road.dev, output=road.ner, **steps)
        macbert("finetune classify", train=road.reviews, dev=road.reviews, output=road.classify, **steps)
    return road


_FILES = ("raw", "train", "dev", "reviews")


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
