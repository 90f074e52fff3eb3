"""Lines that many documents share, and documents that hold evaluation examples."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from corpus import CorpusConfig, build_corpus, read_documents


def write(path: Path, texts: list[str]) -> str:
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8")
    return str(path)


def sentence(rng: random.Random, length: int = 30) -> str:
    return "".join(rng.choices("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳", k=length)) + "。"


def test_lines_on_many_pages_are_cut_from_all_and_counted(tmp_path: Path) -> None:
    rng = random.Random(0)
    pages = [f"首页 登录\n{sentence(rng)}\n{sentence(rng)}\n版权所有 侵权必究" for _ in range(30)]
    steps: list[str | dict[str, Any]] = [{"boilerplate_lines": {"min_documents": 20}}, {"length": {"min_chars": 5}}]
    source = write(tmp_path / "a.jsonl", [*pages[:25], "首页 登录"])
    other = write(tmp_path / "b.jsonl", pages[25:])
    report = build_corpus(CorpusConfig(input=[source, other], output=str(tmp_path / "out"), steps=steps))
    texts = [document.text for document in read_documents(tmp_path / "out")]
    assert texts == [page.split("\n", 1)[1].rsplit("\n", 1)[0] for page in pages]
    assert report.dropped == {"only_repeated_lines": 1}
    assert report.read == 31
    build_corpus(CorpusConfig(input=[other, source], output=str(tmp_path / "two"), steps=steps, workers=2))
    assert (tmp_path / "out" / "report.json").read_bytes() == (tmp_path / "two" / "report.json").read_bytes()


def test_line_dedup_leaves_each_line_in_one_document_whatever_the_order(tmp_path: Path) -> None:
    rng = random.Random(1)
    shared = sentence(rng)
    pages = [f"{sentence(rng)}\n{shared}\n{sentence(rng)}" for _ in range(6)]
    kept = []
    for name, order in (("a", pages), ("b", pages[::-1])):
        source = write(tmp_path / f"{name}.jsonl", order)
        build_corpus(CorpusConfig(input=[source], output=str(tmp_path / f"out_{name}"), steps=["line_dedup"]))
        kept.append(sorted(document.text for document in read_documents(tmp_path / f"out_{name}")))
    assert kept[0] == kept[1]
    assert sum(shared in text for text in kept[0]) == 1
    assert sum(len(text.split("\n")) for text in kept[0]) == 6 * 3 - 5


def test_documents_that_hold_an_evaluation_example_are_dropped(tmp_path: Path) -> None:
    rng = random.Random(2)
    examples = [sentence(rng, 60) for _ in range(5)]
    (tmp_path / "test.jsonl").write_text(
        "".join(json.dumps({"text_a": text, "label": "0"}, ensure_ascii=False) + "\n" for text in examples),
        encoding="utf-8",
    )
    clean = [sentence(rng, 80) for _ in range(20)]
    held = [f"{sentence(rng)}{text[:7]}，{text[7:]}{sentence(rng)}" for text in examples]
    partly = [f"{sentence(rng)}{text[:20]}{sentence(rng)}" for text in examples]  # 8 of 48 n-grams
    source = write(tmp_path / "a.jsonl", clean + held + partly)
    report = build_corpus(
        CorpusConfig(
            input=[source],
            output=str(tmp_path / "out"),
            preset="keep-all",
            evaluation=[str(tmp_path / "test.jsonl")],
        )
    )
    assert report.dropped == {"in_evaluation_set": 5}
    assert [document.text for document in read_documents(tmp_path / "out")] == clean + partly
