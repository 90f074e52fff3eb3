"""Raw files that are clean already become token documents in one command, read as ``corpus build`` reads them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from corpus import CorpusConfig, build_corpus
from corpus.errors import UserError
from corpus.manifest import verify_manifest
from tokenizer import EncodeConfig, TokenDocuments, encode_corpus

TEXTS = {
    "books": [f"老师在上海喝牛奶，医生在成都买苹果{number}。" for number in range(30)],
    "news": ["小明在北京。李雷买了西瓜！"] * 25,
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    for source, texts in TEXTS.items():
        lines = [json.dumps({"id": f"{source}-{n}", "text": text}, ensure_ascii=False) for n, text in enumerate(texts)]
        (folder / f"{source}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(folder: Path) -> list[tuple[list[int], ...]]:
    documents = TokenDocuments.open(folder)
    return [tuple(part.tolist() for part in documents.document(n)) for n in range(len(documents))]


def test_the_documents_are_those_of_a_corpus_that_changed_nothing(
    raw: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    build_corpus(CorpusConfig(input=[str(raw)], output=str(tmp_path / "corpus"), steps=[]))
    settings = {"tokenizer": str(tokenizer_folder), "heldout_fraction": 0.1}
    encode_corpus(EncodeConfig(input=str(tmp_path / "corpus"), output=str(tmp_path / "two"), **settings))
    result = encode_corpus(EncodeConfig(raw=[str(raw)], output=str(tmp_path / "one"), **settings))
    assert result.documents + result.heldout_documents == 55
    assert (result.sources, result.set_aside) == (["books", "news"], {})
    for part in (".", "heldout"):
        assert rows(tmp_path / "one" / part) == rows(tmp_path / "two" / part)
    assert verify_manifest(tmp_path / "one", "tokens") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "one", "raw", "two"]


def test_the_same_bytes_for_any_number_of_workers_and_order_of_files(
    raw: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    inputs = [str(raw / "news.jsonl"), str(raw / "books.jsonl")]
    for name, workers, given in (("a", 1, inputs), ("b", 3, inputs[::-1])):
        encode_corpus(
            EncodeConfig(raw=given, tokenizer=str(tokenizer_folder), output=str(tmp_path / name), workers=workers)
        )
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_an_interrupted_run_is_taken_up_and_finished_files_are_not_encoded_again(
    raw: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    config = EncodeConfig(raw=[str(raw)], tokenizer=str(tokenizer_folder), output=str(tmp_path / "tokens"))

    def interrupt(label: str, done: int, total: int | None) -> None:
        if label == "encode" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_corpus(config, progress=interrupt)
    assert not (tmp_path / "tokens").exists()
    assert encode_corpus(config).shards_reused == 1
    assert encode_corpus(config).shards_reused == 2
    encode_corpus(EncodeConfig(raw=[str(raw)], tokenizer=str(tokenizer_folder), output=str(tmp_path / "whole")))
    assert files(tmp_path / "tokens") == files(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "tokens", "whole"]


def test_damaged_records_are_set_aside_counted_and_kept_when_more_is_appended(
    raw: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    with gzip.open(raw / "bad.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write('{"text": "小明在北京。"}\n{"text": \n{"text": ""}\n')
    settings = {"tokenizer": str(tokenizer_folder), "output": str(tmp_path / "tokens")}
    with pytest.raises(UserError, match=r"expected at most 1\.00% damaged records, found 2 of 58") as caught:
        encode_corpus(EncodeConfig(raw=[str(raw)], **settings))
    assert f"{raw / 'bad.jsonl.gz'}:2" in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]
    result = encode_corpus(EncodeConfig(raw=[str(raw / "bad.jsonl.gz")], max_bad_ratio=0.7, **settings))
    assert result.set_aside == {"broken_json": 1, "empty_text": 1}
    assert ("set aside", "broken_json 1, empty_text 1") in result.summary()
    result = encode_corpus(EncodeConfig(raw=[str(raw / "books.jsonl")], append=True, **settings))
    assert result.set_aside == {"broken_json": 1, "empty_text": 1}
    rejected = sorted(path.parent.name for path in (tmp_path / "tokens" / "rejected").glob("*/*.jsonl"))
    assert rejected == ["broken_json", "empty_text"]
    assert verify_manifest(tmp_path / "tokens", "tokens") == []


def test_the_same_file_in_two_folders_is_read_twice(raw: Path, tokenizer_folder: Path, tmp_path: Path) -> None:
    (raw / "more").mkdir()
    (raw / "more" / "news.jsonl").write_bytes((raw / "news.jsonl").read_bytes())
    config = EncodeConfig(raw=[str(raw)], tokenizer=str(tokenizer_folder), output=str(tmp_path / "tokens"))
    result = encode_corpus(config)
    assert (result.shards, result.documents + result.heldout_documents) == (3, 80)


def test_wrong_files_are_refused_as_corpus_build_refuses_them(
    raw: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    (raw / "other.jsonl").write_text('{"content": "小明在北京。"}\n', encoding="utf-8")
    (tmp_path / "text.docx").write_bytes(b"PK")
    for given, expected in (
        ([str(raw / "none.jsonl")], "expected a file or folder"),
        ([str(tmp_path / "text.docx")], "expected a file named"),
        ([str(raw / "other.jsonl")], "did you mean --text-key content"),
    ):
        wrong = EncodeConfig(raw=given, tokenizer=str(tokenizer_folder), output=str(tmp_path / "tokens"))
        with pytest.raises(UserError, match=expected) as found:
            encode_corpus(wrong)
        with pytest.raises(UserError) as reference:
            build_corpus(CorpusConfig(input=given, output=str(tmp_path / "corpus")))
        assert str(found.value) == str(reference.value)
    with pytest.raises(UserError, match="either --input or --raw, found both"):
        EncodeConfig(input="corpus", raw=["a.jsonl"], tokenizer="t", output="o")
    with pytest.raises(UserError, match="either --input or --raw, found neither"):
        EncodeConfig(tokenizer="t", output="o")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "text.docx"]
