"""``corpus report``, ``corpus verify`` and ``corpus score train`` on what is missing, empty, damaged or in the way."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus import (
    CorpusConfig,
    ReportCorpusConfig,
    UserError,
    VerifyCorpusConfig,
    build_corpus,
    report_corpus,
    verify_corpus,
)
from corpus.config import TrainScoreConfig
from corpus.manifest import config_hash
from corpus.scoring.training import train_score


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    records = [{"id": str(n), "text": f"第{n}篇：我们使用语言模型来预测下一个词。"} for n in [*range(40), 0]]
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (folder / "in.jsonl").write_text(lines, encoding="utf-8")
    build_corpus(CorpusConfig(input=[str(folder / "in.jsonl")], output=str(folder / "out"), preset="keep-all"))
    return folder / "out"


def resign(folder: Path, **changes: object) -> None:
    """Change the manifest and put its own hash right, as no accident would."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest = {**manifest, **changes}
    manifest.pop("self_sha256")
    manifest = {name: value for name, value in manifest.items() if value is not None}
    manifest["self_sha256"] = config_hash(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def rewrite(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(data)


def empty(folder: Path) -> None:
    for path in folder.glob("*.*"):
        path.unlink()


def turn_into_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("语料", encoding="utf-8")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (shutil.rmtree, "found nothing"),
    "empty": (empty, "a folder without it"),
    "a file": (turn_into_a_file, "found a file"),
    "manifest cut": (rewrite("manifest.json", b'{"kind": "corpus", "fi'), "expected JSON"),
    "manifest empty": (rewrite("manifest.json", b""), "expected JSON"),
    "manifest in GBK": (rewrite("manifest.json", "语料".encode("gbk")), "expected JSON"),
    "manifest a list": (rewrite("manifest.json", b"[1]"), "no manifest of ours"),
    "manifest of another kind": (lambda folder: resign(folder, kind="tokens"), "found a tokens folder"),
    "manifest without files": (lambda folder: resign(folder, files=None), "schema_version and files"),
    "manifest edited": (
        lambda folder: (folder / "manifest.json").write_text(
            (folder / "manifest.json").read_text(encoding="utf-8").replace('"rows": 40', '"rows": 41'), encoding="utf-8"
        ),
        "changed text",
    ),
    "a newer version": (lambda folder: resign(folder, schema_version=99), "upgrade macbert-zh"),
    "report gone": (lambda folder: (folder / "report.json").unlink(), r"report\.json: .*no file"),
    "report cut": (rewrite("report.json", b'{"read": 40'), r"report\.json: expected \d+ bytes"),
    "report in GBK": (rewrite("report.json", "报告".encode("gbk")), r"report\.json: expected \d+ bytes"),
}


def lose_a_rejected_record(folder: Path) -> None:
    """As a build with an error in its counting would: the manifest agrees with the files, the report does not."""
    (path,) = (folder / "rejected" / "exact_duplicate").iterdir()
    path.write_bytes(b"")
    name = path.relative_to(folder).as_posix()
    files = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    resign(folder, files={**files, name: {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()}})


VERIFIED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a rejected record lost": (lose_a_rejected_record, "exact_duplicate: expected 1 records, found 0"),
    "shard cut": (rewrite("part-00000.parquet", b"PAR1"), r"part-00000\.parquet: expected \d+ bytes, found 4 bytes"),
    "shard gone": (lambda folder: (folder / "part-00000.parquet").unlink(), "no file"),
    "a file too many": (rewrite("part-00009.parquet", b"PAR1"), "only files of the manifest"),
}


@pytest.mark.parametrize("damage", [*DAMAGE, *VERIFIED])
def test_a_damaged_corpus_is_named_and_left_as_it_is(damage: str, sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    shutil.copytree(sound, folder)
    harm, message = {**DAMAGE, **VERIFIED}[damage]
    harm(folder)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    with pytest.raises(UserError, match=message):
        verify_corpus(VerifyCorpusConfig(folder=str(folder)))
    if damage in DAMAGE:
        with pytest.raises(UserError, match=message):
            report_corpus(ReportCorpusConfig(folder=str(folder)))
    assert sorted((str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def examples(path: Path, text: str, count: int = 30) -> str:
    rows = (json.dumps({"text": f"{text}{n}" + text[n % len(text)] * 3}, ensure_ascii=False) for n in range(count))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "nothing there"),
        (b"", "--positive: expected 10 different texts or more"),
        (b'{"text": "one"}\n' * 50, "--positive: expected 10 different texts or more"),
        (b'{"text": "a"}\n{"text": \n', r"positive\.jsonl:2: expected a document, found broken_json"),
        (b'{"content": "a"}\n', r"positive\.jsonl:1: expected a document, found no_text"),
        (b'{"text": 3}\n', "found a number"),
        (b"\x00\x01\x02" * 99, r"positive\.jsonl:1: "),
    ],
)
def test_bad_examples_are_named_and_no_classifier_is_written(data: bytes | None, message: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / "positive.jsonl").write_bytes(data)
    negative = examples(tmp_path / "negative.jsonl", "首页登录注册")
    before = sorted(tmp_path.iterdir())
    config = TrainScoreConfig(
        positive=[str(tmp_path / "positive.jsonl")], negative=[negative], output=str(tmp_path / "score")
    )
    with pytest.raises(UserError, match=message):
        train_score(config)
    assert sorted(tmp_path.iterdir()) == before


def test_examples_in_gbk_are_read_and_a_rubric_in_gbk_is_named(tmp_path: Path) -> None:
    positive, negative = (tmp_path / f"{name}.jsonl" for name in ("positive", "negative"))
    positive.write_bytes(Path(examples(positive, "今天天气很好我们去公园")).read_bytes().decode().encode("gbk"))
    rubric = tmp_path / "rubric.md"
    rubric.write_bytes("评判标准：通顺".encode("gbk"))
    settings = {"positive": [str(positive)], "negative": [examples(negative, "首页登录注册帮助")]}
    with pytest.raises(UserError, match=r"rubric\.md:1: expected UTF-8"):
        train_score(TrainScoreConfig(**settings, rubric=str(rubric), output=str(tmp_path / "score")))
    assert not (tmp_path / "score").exists()
    rubric.write_text("评判标准：通顺", encoding="utf-8")
    assert train_score(TrainScoreConfig(**settings, rubric=str(rubric), output=str(tmp_path / "score"))).examples > 40
    assert (tmp_path / "score" / "rubric.md").read_bytes() == rubric.read_bytes()


def test_a_full_disk_leaves_no_half_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    positive = examples(tmp_path / "positive.jsonl", "今天天气很好我们去公园")
    negative = examples(tmp_path / "negative.jsonl", "首页登录注册帮助")
    monkeypatch.setattr("corpus.scoring.training.write_manifest", full)
    with pytest.raises(OSError, match="No space left"):
        train_score(TrainScoreConfig(positive=[positive], negative=[negative], output=str(tmp_path / "score")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["negative.jsonl", "positive.jsonl"]
