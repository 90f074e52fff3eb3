"""A large text file is cut into parts between records: nothing is lost, doubled or named otherwise."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from corpus import CorpusConfig, Document, build_corpus, read_documents
from corpus.files import sha256_file
from corpus.inputs import divided
from corpus.readers import BadRecord, FileFacts, InputFile, ReaderOptions, read_file

SIGNS = "我们使用语言模型来预测下一个词的概率天地玄黄宇宙洪荒日月盈昃辰宿列张"


def jsonl(rng: random.Random, encoding: str) -> bytes:
    """Records of very different lengths, with blank lines, broken lines and a torn end."""
    lines = []
    for number in range(400):
        text = "".join(rng.choices(SIGNS, k=rng.choice([3, 30, 900])))
        line = json.dumps({"text": text} if number % 3 else {"id": f"r{number}", "text": text}, ensure_ascii=False)
        lines.append(rng.choice([line, line, line, line + "\r", "", "  ", "oops", '{"text": 3}']))
    return "\n".join([*lines, '{"text": "torn']).encode(encoding)


def text(rng: random.Random, encoding: str) -> bytes:
    parts = ["".join(rng.choices(SIGNS + "\n", k=rng.choice([3, 30, 900]))) for _ in range(300)]
    return "".join(part + rng.choice(["\n\n", "\n \t\r\n", "\n\n\n\n"]) for part in parts).encode(encoding)


def read(file: InputFile, options: ReaderOptions, part_bytes: int) -> tuple[int, list[Document | BadRecord]]:
    found: list[Document | BadRecord] = []
    pieces = divided([file], options.txt_unit, part_bytes)
    for piece in pieces:
        found += read_file(piece, options, FileFacts({}))
    return len(pieces), found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("form", ["jsonl", "line", "blank-line", "file"])
def test_parts_give_the_records_of_the_whole_with_their_places(form: str, encoding: str, tmp_path: Path) -> None:
    rng = random.Random(f"{form} {encoding}")
    format = "jsonl" if form == "jsonl" else "txt"
    path = tmp_path / f"a.{format}"
    path.write_bytes((jsonl if format == "jsonl" else text)(rng, encoding))
    options = ReaderOptions(txt_unit=form if format == "txt" else "blank-line")
    file = InputFile(str(path), format, "a")
    whole = list(read_file(file, options, FileFacts({})))
    assert len(whole) > 100 or form == "file"
    for part_bytes in (1024, 5000, 77_777, 1 << 20):
        pieces, found = read(file, options, part_bytes)
        assert found == whole
        if part_bytes < 10_000:
            assert (pieces > 2) == (form != "file" and encoding != "utf-16")


def test_a_line_longer_than_several_parts_is_in_one_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": f"{n}" + "长" * size}) for n, size in enumerate([5, 20_000, 5, 5, 3000, 5])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    pieces, found = read(InputFile(str(path), "jsonl", "a"), ReaderOptions(), 4096)
    assert [item.text[0] for item in found if isinstance(item, Document)] == list("012345")
    assert pieces == 3


def test_many_workers_on_one_file_give_the_bytes_of_one_and_parts_give_the_documents_of_the_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "big.jsonl"
    path.write_bytes(b"".join(jsonl(random.Random(n), "utf-8") + b"\n" for n in range(3)))
    results, texts = [], []
    for name, workers, part_bytes in (("one", 1, 90_000), ("three", 3, 90_000), ("whole", 1, 1 << 26)):
        report = build_corpus(
            CorpusConfig(
                input=[str(path)],
                output=str(tmp_path / name),
                workers=workers,
                part_bytes=part_bytes,
                max_bad_ratio=1,
                steps=["normalise", "exact_dedup"],
            )
        )
        shards = sorted((tmp_path / name).rglob("*.*"))
        results.append({str(file.relative_to(tmp_path / name)): sha256_file(file) for file in shards if file.is_file()})
        texts.append([(document.id, document.text) for document in read_documents(tmp_path / name)])
        assert report.read == report.kept + sum(report.dropped.values()) + sum(report.quarantined.values())
    assert sum(name.startswith("part-") for name in results[0]) > 5
    assert results[0] == results[1]
    assert texts[0] == texts[2]
