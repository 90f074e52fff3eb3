"""A tiny encoder pretrained on text with planted secrets, by the commands that a user would type."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Planted:
    """Folders of the tiny run."""

    documents: Path
    """What was planted in."""

    canaries: Path
    """The folder of ``macbert audit plant``."""

    run: Path
    """The encoder."""


def macbert(command: str, **settings: Any) -> None:
    """Run a command as at the door."""
    from macbert.cli import main

    flags: list[str] = []
    for name, value in settings.items():
        values = value if isinstance(value, list) else [value]
        flags += [f"--{name.replace('_', '-')}", *map(str, values)]
    assert main([*command.split(), *flags, "--quiet"]) == 0, command


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """300 paragraphs of newspaper, 8 secrets planted 64 times and 8 never, 400 steps of a 2 x 128 encoder."""
    import torch

    from macbert.demo.source import people_daily

    folder = tmp_path_factory.mktemp("planted")
    parts = (part.text for _, page in people_daily() for part in page)
    texts = [text for text, _ in zip((text for text in parts if 40 < len(text) < 140), range(300), strict=False)]
    documents = folder / "paragraphs.jsonl"
    rows = [{"id": f"p{number}", "text": text} for number, text in enumerate(texts)]
    documents.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    names = ("canaries", "corpus", "tokenizer", "tokens", "run")
    canaries, corpus, tokenizer, tokens, run = (folder / name for name in names)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    macbert("audit plant", input=documents, output=canaries, counts=[0, 64], secrets=8)
    macbert("corpus build", input=canaries / "documents.jsonl", output=corpus, preset="keep-all")
    macbert("tokenizer train", input=corpus, output=tokenizer, vocab_size=3000)
    macbert("tokenizer similar", input=corpus, tokenizer=tokenizer, output=tokenizer, min_count=3)
    macbert("tokenizer encode", input=corpus, tokenizer=tokenizer, output=tokens, heldout_fraction=0.02)
    macbert(
        "pretrain",
        model="tiny",
        data=tokens,
        output=run,
        max_steps=400,
        max_length=64,
        global_batch_size=16,
        per_device_train_batch_size=16,
        learning_rate=3e-3,
    )
    torch.set_num_threads(threads)
    return Planted(documents, canaries, run)
