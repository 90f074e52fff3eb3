"""The whole of ``build_corpus``: nothing lost, the same bytes however it runs, and errors that help."""

from __future__ import annotations

import errno
import gzip
import json
import random
import re
from pathlib import Path

import pytest
import zstandard

from corpus import (
    CorpusConfig,
    UserError,
    VerifyCorpusConfig,
    build_corpus,
    corpus_shards,
    read_documents,
    verify_corpus,
)
from corpus.files import sha256_file


def write_jsonl(path: Path, records: list[object]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


STEP_CELLS = [(unit, side) for unit in ("documents", "characters", "tokens") for side in ("in", "out")]


def hashes(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def mixed_inputs(tmp_path: Path) -> list[str]:
    """Three files of different formats with duplicates inside and across them."""
    rng = random.Random(0)
    texts = ["".join(rng.choices("我们使用语言模型来预测下一个词的概率人工智能技术发展很快", k=30)) for _ in range(300)]
    write_jsonl(tmp_path / "b.jsonl", [{"id": str(n), "text": text, "n": n} for n, text in enumerate(texts[:200])])
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("\n\n".join(texts[150:]).encode("gb18030")))
    body = json.dumps([{"id": str(n), "text": text} for n, text in enumerate(texts[100:120])], ensure_ascii=False)
    (tmp_path / "c.json.zst").write_bytes(zstandard.compress(body.encode()))
    return [str(tmp_path / name) for name in ("b.jsonl", "a.txt.gz", "c.json.zst")]


def test_every_record_is_kept_dropped_or_quarantined(mixed_inputs: list[str], tmp_path: Path) -> None:
    report = build_corpus(CorpusConfig(input=mixed_inputs, output=str(tmp_path / "out")))
    assert report.read == 200 + 150 + 20
    assert report.kept == 300
    assert report.dropped == {"exact_duplicate": 70}
    assert report.read == report.kept + sum(report.dropped.values()) + sum(report.quarantined.values())
    assert report.encodings == {"gb18030": 150, "utf-8": 220}
    assert len(list(read_documents(tmp_path / "out"))) == report.kept
    rejected = [
        json.loads(line)
        for path in (tmp_path / "out" / "rejected").rglob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert len(rejected) == 70
    kept = {document.id for document in read_documents(tmp_path / "out")}
    assert {record["duplicate_of"] for record in rejected} <= kept


def test_each_step_takes_in_what_the_one_before_gave_out(mixed_inputs: list[str], tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"text": text} for text in ("短", "哈" * 90, "只有这里才有的一句话。")])
    report = build_corpus(CorpusConfig(input=[*mixed_inputs, str(tmp_path / "d.jsonl")], output=str(tmp_path / "out")))
    steps = list(report.steps.values())
    assert list(report.steps)[-2:] == ["exact_dedup", "near_dedup"]
    assert report.dropped == {"exact_duplicate": 70, "repeated_passages": 1, "too_short": 1}
    for unit in ("documents", "characters", "tokens"):
        assert [step[f"{unit}_in"] for step in steps[1:]] == [step[f"{unit}_out"] for step in steps[:-1]]
    assert (steps[0]["documents_in"], steps[-1]["documents_out"]) == (report.read, report.kept)
    assert (steps[0]["characters_in"], steps[-1]["characters_out"]) == (report.characters_read, report.characters_kept)
    assert (steps[0]["tokens_in"], steps[-1]["tokens_out"]) == (report.tokens_read, report.tokens_kept)


def test_the_page_shows_every_count_in_both_languages(mixed_inputs: list[str], tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [{"text": text} for text in ("短", "联系电话13800138000请回复。")])
    report = build_corpus(CorpusConfig(input=[*mixed_inputs, str(tmp_path / "d.jsonl")], output=str(tmp_path / "out")))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for text in ("读入 read", "保留 kept", "步骤 · Steps", "长度 · Lengths", "Clusters of duplicates", "设置与阈值"):
        assert text in page
    for step, counts in report.steps.items():
        cells = "".join(f'<td class="n">{counts[f"{unit}_{side}"]:,}</td>' for unit, side in STEP_CELLS)
        assert f"<td>{step}</td>{cells}" in page
    for reason, count in report.dropped.items():
        assert f'dropped: {reason}</td><td class="n">{count:,}</td>' in page
    for label in ("gb18030", "mobile", "too_short", "max_share", "pyarrow"):
        assert label in page
    assert not re.search("<script|src=|href=", page)


def test_ids_are_unique_even_where_files_repeat_them(mixed_inputs: list[str], tmp_path: Path) -> None:
    report = build_corpus(CorpusConfig(input=mixed_inputs, output=str(tmp_path / "out")))
    ids = [document.id for document in read_documents(tmp_path / "out")]
    assert len(set(ids)) == len(ids) == report.kept


def test_workers_and_the_order_of_inputs_change_no_byte(mixed_inputs: list[str], tmp_path: Path) -> None:
    build_corpus(CorpusConfig(input=mixed_inputs, output=str(tmp_path / "one")))
    build_corpus(CorpusConfig(input=mixed_inputs[::-1], output=str(tmp_path / "two"), workers=2))
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_a_second_build_reuses_a_sound_corpus_and_mends_a_damaged_one(mixed_inputs: list[str], tmp_path: Path) -> None:
    config = CorpusConfig(input=mixed_inputs, output=str(tmp_path / "out"))
    build_corpus(config)
    before = hashes(tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert build_corpus(config).reused
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == times
    shard = corpus_shards(tmp_path / "out")[0]
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(UserError, match="part-00000"):
        verify_corpus(VerifyCorpusConfig(folder=str(tmp_path / "out")))
    assert not build_corpus(config).reused
    assert hashes(tmp_path / "out") == before
    assert verify_corpus(VerifyCorpusConfig(folder=str(tmp_path / "out"))).documents == 300


def test_a_changed_setting_makes_the_corpus_again(mixed_inputs: list[str], tmp_path: Path) -> None:
    build_corpus(CorpusConfig(input=mixed_inputs, output=str(tmp_path / "out")))
    report = build_corpus(CorpusConfig(input=mixed_inputs, output=str(tmp_path / "out"), steps=["normalise"]))
    assert not report.reused
    assert report.kept == 370


def test_a_corpus_folder_is_an_input_too(mixed_inputs: list[str], tmp_path: Path) -> None:
    build_corpus(CorpusConfig(input=mixed_inputs, output=str(tmp_path / "one")))
    build_corpus(CorpusConfig(input=[str(tmp_path / "one")], output=str(tmp_path / "two")))
    assert list(read_documents(tmp_path / "one")) == list(read_documents(tmp_path / "two"))


def nothing_is_left(tmp_path: Path, inputs: set[str]) -> bool:
    return {path.name for path in tmp_path.iterdir()} == inputs


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "empty file"),
        ([{"text": "我们"}] * 3 + [{"txt": "他们"}], "bad.jsonl:4: expected a document, found no_text"),
        ([{"content": "我们"}] * 4, "keys found: content; did you mean --text-key content"),
        ([{"text": ["我们"]}], "bad.jsonl:1: .*found a list"),
    ],
)
def test_bad_input_is_named_by_file_and_line_and_leaves_nothing(
    records: list[object], message: str, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "bad.jsonl", records)
    with pytest.raises(UserError, match=message):
        build_corpus(CorpusConfig(input=[str(tmp_path / "bad.jsonl")], output=str(tmp_path / "out")))
    assert nothing_is_left(tmp_path, {"bad.jsonl"})


def test_a_missing_file_is_named_with_the_nearest_name(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "news.jsonl", [{"text": "我们的新闻"}])
    with pytest.raises(UserError, match=r"new\.jsonl: .*did you mean .*news\.jsonl"):
        build_corpus(CorpusConfig(input=[str(tmp_path / "new.jsonl")], output=str(tmp_path / "out")))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_leaves_nothing_and_is_told_as_what_it_is(workers: int, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "我们的新闻很好"}])
    write_jsonl(tmp_path / "b.jsonl", [{"text": "我们的报纸很好"}])
    steps: list[str | dict[str, object]] = ["tests_full_disk:fill"]
    (tmp_path / "tests_full_disk.py").write_text(
        "import errno, os\n\n\ndef fill(document):\n    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        config = CorpusConfig(
            input=[str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")],
            output=str(tmp_path / "out"),
            steps=steps,
            workers=workers,
        )
        with pytest.raises(OSError, match="No space left") as raised:
            build_corpus(config)
    assert raised.value.errno == errno.ENOSPC
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == {"a.jsonl", "b.jsonl", "tests_full_disk.py"}


def test_steps_are_checked_all_at_once(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "我们的新闻很好"}])
    steps: list[str | dict[str, object]] = ["normalize", {"length": {"min_char": 5}}, "exact_dedup", "length"]
    with pytest.raises(UserError) as raised:
        build_corpus(CorpusConfig(input=[str(tmp_path / "a.jsonl")], output=str(tmp_path / "out"), steps=steps))
    text = str(raised.value)
    assert "did you mean normalise?" in text
    assert "did you mean min_chars?" in text
    assert "length again" in text
    assert "move it before exact_dedup" in text


def test_real_news_is_read_whole(shared_data: Path, tmp_path: Path) -> None:
    report = build_corpus(
        CorpusConfig(input=[str(shared_data / "raw" / "news_xwlb.jsonl.zst")], output=str(tmp_path / "out"))
    )
    assert report.read == 16546
    assert report.kept > 0.95 * report.read
