"""The corpus cases of bad input, one test each: set aside with the reason, or stopped with nothing written."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import zstandard

from corpus import CorpusConfig, CorpusReport, Document, UserError, build_corpus, corpus_shards, read_documents
from corpus.readers import InputFile, ReaderOptions, read_file
from corpus.steps import normalise

GOOD = [{"id": f"g{n}", "text": f"第{n}篇：我们使用语言模型来预测下一个词的概率。"} for n in range(300)]


def lines(records: list[Any]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def build(tmp_path: Path, data: bytes, name: str = "in.jsonl", **settings: Any) -> CorpusReport:
    (tmp_path / name).write_bytes(data)
    settings = {"preset": "keep-all", "output": str(tmp_path / "out"), **settings}
    return build_corpus(CorpusConfig(input=[str(tmp_path / name)], **settings))


def quarantine(tmp_path: Path, reason: str) -> list[dict[str, Any]]:
    files = sorted((tmp_path / "out" / "rejected" / reason).glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_case_1_empty_files_are_skipped_with_a_warning_and_are_an_error_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(UserError, match=r"empty\.jsonl: .*an empty file"):
        build_corpus(CorpusConfig(input=[str(tmp_path / "empty.jsonl")], output=str(tmp_path / "out")))
    (tmp_path / "full.jsonl").write_bytes(lines(GOOD))
    inputs = [str(tmp_path / "empty.jsonl"), str(tmp_path / "full.jsonl")]
    with caplog.at_level(logging.WARNING):
        report = build_corpus(CorpusConfig(input=inputs, output=str(tmp_path / "out"), preset="keep-all"))
    assert report.kept == 300
    assert report.empty_files == ["empty"]
    assert "empty.jsonl: an empty file, skipped" in caplog.text


def test_case_2_a_broken_line_is_set_aside_with_file_line_and_byte(tmp_path: Path) -> None:
    data = lines(GOOD[:2]) + b'{"text": "oops\n' + lines(GOOD[2:])
    report = build(tmp_path, data)
    assert report.quarantined == {"broken_json": 1}
    (record,) = quarantine(tmp_path, "broken_json")
    assert (record["file"], record["line"]) == (str(tmp_path / "in.jsonl"), 3)
    assert data[record["offset"] :].startswith(b'{"text": "oops')


def test_case_3_a_torn_last_line_is_named_truncated(tmp_path: Path) -> None:
    report = build(tmp_path, lines(GOOD)[:-20])
    assert (report.kept, report.quarantined) == (299, {"truncated": 1})


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_case_4_a_cut_compressed_file_gives_its_whole_records_and_is_an_error_when_strict(
    suffix: str, pack: Any, tmp_path: Path
) -> None:
    # Random ids, so that the packed file is long enough to be cut in the middle of its blocks.
    records = [
        {"id": f"{n * 2654435761 % 2**32:x}", "text": f"{n * 40503 % 65536:x}我们的第{n}篇"} for n in range(60000)
    ]
    data = pack(lines(records))
    report = build(tmp_path, data[: len(data) * 2 // 3], f"in.jsonl{suffix}")
    assert report.kept > 20000
    assert report.quarantined == {"truncated": 1}
    whole = [document.text for document in read_documents(tmp_path / "out")]
    assert whole == [record["text"] for record in records[: report.kept]]
    with pytest.raises(UserError, match="truncated"):
        build(tmp_path, data[: len(data) * 2 // 3], f"in.jsonl{suffix}", max_bad_ratio=0, output=str(tmp_path / "two"))


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "big5", "big5hkscs", "utf-16", "utf-8-sig"])
def test_cases_5_6_7_other_encodings_are_decoded_and_noted(encoding: str, tmp_path: Path) -> None:
    traditional = encoding.startswith("big5")
    text = "我們使用語言模型來預測下一個詞的概率" if traditional else "我们使用语言模型来预测下一个词的概率"
    body = "\n\n".join(f"{text}{n}。" for n in range(50))
    report = build(tmp_path, body.encode(encoding), "in.txt")
    assert [document.text for document in read_documents(tmp_path / "out")] == body.split("\n\n")
    names = {"gbk": "gb18030", "big5": "big5hkscs", "utf-16": "utf-16-le", "utf-8-sig": "utf-8"}
    assert report.encodings == {names.get(encoding, encoding): 50}
    # Traditional text stays as it is unless conversion is asked for.
    assert traditional == ("們" in next(iter(read_documents(tmp_path / "out"))).text)


def test_case_8_mixed_encodings_and_mojibake_are_repaired_by_line_or_set_aside(tmp_path: Path) -> None:
    good = [f"第{n}行：我们使用语言模型来预测下一个词的概率。" for n in range(400)]
    raw = [line.encode() for line in good]
    raw[10] = good[10].encode("gb18030")
    raw[20] = good[20].encode().decode("cp1252", errors="replace").replace("\ufffd", "\x81").encode()
    raw[30] = "我们使用语言模型来预测".encode().decode("gb18030", errors="ignore").encode()
    raw[40] = ("锟斤拷" * 8).encode()
    report = build(tmp_path, b"\n".join(raw), "in.txt", txt_unit="line")
    texts = [document.text for document in read_documents(tmp_path / "out")]
    assert texts[10] == good[10]
    assert report.quarantined["mojibake"] >= 1
    assert report.repaired >= 1
    assert sum(report.quarantined.values()) + report.kept == 400
    assert not any("锟斤拷" in text or "鎴" in text or "æ" in text for text in texts)


def test_case_9_invisible_characters_are_cleaned_and_a_binary_text_is_set_aside(tmp_path: Path) -> None:
    dirty = {"id": "d", "text": "我\u200b们\u202e的\x00中\ufeff国\ufffd。"}
    binary = {"id": "b", "text": "\x00\x01\x02\x03乱" * 20}
    report = build(tmp_path, lines([*GOOD, dirty, binary]))
    texts = {document.id: document.text for document in read_documents(tmp_path / "out")}
    assert texts["d"] == "我们的中国。"
    assert report.quarantined == {"broken_characters": 1}
    assert report.steps["normalise"]["changed"] == 1


def test_case_10_half_a_surrogate_pair_is_set_aside(tmp_path: Path) -> None:
    report = build(tmp_path, lines(GOOD) + b'{"text": "\\ud83d"}\n')
    assert report.quarantined == {"lone_surrogate": 1}


def test_case_11_other_line_separators_are_text(tmp_path: Path) -> None:
    report = build(tmp_path, lines([*GOOD, {"id": "s", "text": "一\u2028二\u0085三\x0b四。"}]))
    assert report.kept == 301
    assert {d.id: d.text for d in read_documents(tmp_path / "out")}["s"] == "一\n二\n三\n四。"


def test_case_12_a_line_over_the_limit_is_set_aside_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as stream:
        stream.write(lines(GOOD[:150]))
        stream.write(b'{"text": "')
        for _ in range(300):
            stream.write("我们".encode() * 175_000)  # 1 MiB at a time, 300 MiB in all
        stream.write(b'"}\n' + lines(GOOD[150:]))
    code = (
        "import sys, resource\n"
        "from corpus import CorpusConfig, build_corpus\n"
        "def build(source, output):\n"
        "    report = build_corpus(CorpusConfig(input=[source], output=output, preset='keep-all'))\n"
        "    return report, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "_, before = build(sys.argv[1], sys.argv[3] + '1')\n"
        "report, after = build(sys.argv[2], sys.argv[3] + '2')\n"
        "print(report.kept, report.quarantined, after - before)\n"
    )
    (tmp_path / "short.jsonl").write_bytes(lines(GOOD))
    command = [sys.executable, "-c", code, str(tmp_path / "short.jsonl"), str(path), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    *found, kilobytes = done.stdout.rsplit(" ", 1)
    assert found == ["300 {'too_long': 1}"]
    # The limit of a record (64 MiB) may be held, and joined once; a reader that holds the line needs 600 MiB and more.
    assert int(kilobytes) < 160 << 10


def test_case_13_text_of_another_type_is_set_aside_with_its_type_and_a_wrong_key_is_an_error(tmp_path: Path) -> None:
    odd = [{"text": None}, {"text": 3}, {"text": ["我们"]}, {"content": "我们"}, ["我们"]]
    report = build(tmp_path, lines([*GOOD, *odd]), max_bad_ratio=0.05)
    assert report.quarantined == {"no_text": 4, "not_an_object": 1}
    details = [record["detail"] for record in quarantine(tmp_path, "no_text")]
    assert [detail.rsplit("found ", 1)[1] for detail in details] == ["null", "a number", "a list", "no such key"]
    with pytest.raises(UserError, match="keys found: content, title; did you mean --text-key content"):
        build(tmp_path, lines([{"title": "一", "content": "我们"}] * 5), "keys.jsonl", output=str(tmp_path / "two"))


def test_case_14_the_same_file_twice_is_an_error_and_repeated_ids_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(GOOD))
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "a.jsonl")
    with pytest.raises(UserError, match="the same file again"):
        build_corpus(CorpusConfig(input=[str(tmp_path)], output=str(tmp_path / "out")))
    (tmp_path / "link.jsonl").unlink()
    records = [{"id": "same", "text": f"{n}号文件的内容"} for n in (0, 1, 2, 1)]
    report = build(tmp_path, lines(records), "b.jsonl")
    assert report.renamed == 2
    assert [document.id for document in read_documents(tmp_path / "out")] == ["same", "same#2", "same#3"]
    rejected = tmp_path / "out" / "rejected" / "exact_duplicate"
    found = [json.loads(line) for path in rejected.iterdir() for line in path.read_text(encoding="utf-8").splitlines()]
    assert [record["duplicate_of"] for record in found] == ["same#2"]


# Cases 15 and 16 (bombs, and archives that reach outside) are in test_readers.py under these numbers.


def test_case_17_a_shard_that_changed_after_the_build_is_found(tmp_path: Path) -> None:
    from corpus import VerifyCorpusConfig, verify_corpus

    build(tmp_path, lines(GOOD))
    (shard,) = corpus_shards(tmp_path / "out")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(UserError, match="SHA-256"):
        verify_corpus(VerifyCorpusConfig(folder=str(tmp_path / "out")))
    shard.unlink()
    with pytest.raises(UserError, match="a shard that the manifest names"):
        corpus_shards(tmp_path / "out")


def test_case_20_rare_hanzi_emoji_and_combining_marks_survive(tmp_path: Path) -> None:
    text = "𠮷野家的👨‍👩‍👧和cafe\u0301，ＡＢＣ１２３，面积10²㎡①。"
    build(tmp_path, lines([{"id": "r", "text": text}]))
    (document,) = read_documents(tmp_path / "out")
    assert document.text == "𠮷野家的👨‍👩‍👧和café，ABC123，面积10²㎡①。"
    assert normalise(document) is document
    assert unicodedata.is_normalized("NFC", document.text)


def test_case_24_a_read_only_place_is_the_machine_s_error_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.jsonl").write_bytes(lines(GOOD))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / "out"))

    monkeypatch.setattr("corpus.build.save_report", refuse)
    with pytest.raises(PermissionError):
        build_corpus(CorpusConfig(input=[str(tmp_path / "in.jsonl")], output=str(tmp_path / "out")))
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl"}


def test_a_corpus_that_is_not_chinese_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    english = [{"id": str(n), "text": f"This is the English sentence number {n}."} for n in range(50)]
    with caplog.at_level(logging.WARNING):
        build(tmp_path, lines(english))
    assert "0 % of the documents kept are Chinese" in caplog.text


def test_reading_one_document_at_a_time_gives_the_place_of_a_bad_record(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(GOOD[:2]) + b"oops\n\n" + lines(GOOD[2:3]))
    found = list(read_file(InputFile(str(tmp_path / "a.jsonl"), "jsonl", "a"), ReaderOptions()))
    assert [isinstance(item, Document) for item in found] == [True, True, False, True]
