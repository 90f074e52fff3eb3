"""Every format gives the same documents, and every damage its place and reason."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
import zstandard

from corpus import CorpusConfig, Document, UserError, build_corpus, read_documents
from corpus.inputs import find_inputs
from corpus.readers import BadRecord, FileFacts, InputFile, ReaderOptions, read_file

TEXTS = ["我们使用语言模型来预测下一个词的概率。", "他说：“走吧！”\n于是走了。", '第三篇，有逗号,和"引号"。']
JSONL = "".join(json.dumps({"id": str(n), "text": text}, ensure_ascii=False) + "\n" for n, text in enumerate(TEXTS))


def csv_of(delimiter: str) -> str:
    quoted = ('"' + text.replace('"', '""') + '"' for text in TEXTS)
    return f"id{delimiter}text\n" + "".join(f"{n}{delimiter}{text}\n" for n, text in enumerate(quoted))


def parquet(path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"id": ["0", "1", "2"], "text": TEXTS}), path)


def arrow(path: Path) -> None:
    table = pa.table({"id": ["0", "1", "2"], "text": TEXTS})
    with pyarrow.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("目录/a.jsonl", JSONL)


def tarred(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("a/b.jsonl.xz")
        data = lzma.compress(JSONL.encode())
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.jsonl": lambda path: path.write_text(JSONL, encoding="utf-8"),
    "a.jsonl.gz": lambda path: path.write_bytes(gzip.compress(JSONL.encode())),
    "a.jsonl.zst": lambda path: path.write_bytes(zstandard.compress(JSONL.encode())),
    "a.jsonl.xz": lambda path: path.write_bytes(lzma.compress(JSONL.encode())),
    "a.jsonl.bz2": lambda path: path.write_bytes(bz2.compress(JSONL.encode())),
    "bom.jsonl": lambda path: path.write_text(JSONL, encoding="utf-8-sig"),
    "wide.jsonl": lambda path: path.write_text(JSONL, encoding="utf-16"),
    "gbk.jsonl": lambda path: path.write_text(JSONL, encoding="gb18030"),
    "a.json": lambda path: path.write_text("[" + ",\n".join(JSONL.splitlines()) + "]", encoding="utf-8"),
    "lines.json": lambda path: path.write_text(JSONL, encoding="utf-8"),
    "a.csv": lambda path: path.write_text(csv_of(","), encoding="utf-8"),
    "a.parquet": parquet,
    "a.arrow": arrow,
    "a.zip": zipped,
    "a.tar.gz": tarred,
}


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_format_gives_the_same_documents(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    found = list(read_documents(path))
    assert [(document.id, document.text) for document in found] == [(str(n), text) for n, text in enumerate(TEXTS)]
    assert {document.source for document in found} == {name.split(".")[0]}


def test_text_files_hold_documents_between_blank_lines_or_one_a_line_or_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("第一篇\n第二行\n\n\n第二篇\r\n\r\n", encoding="utf-8")

    def texts(unit: str) -> list[str]:
        found = read_file(InputFile(str(path), "txt", "a"), ReaderOptions(txt_unit=unit))
        return [item.text for item in found if isinstance(item, Document)]

    assert texts("blank-line") == ["第一篇\n第二行", "第二篇"]
    assert texts("line") == ["第一篇", "第二行", "第二篇"]
    assert texts("file") == ["第一篇\n第二行\n\n\n第二篇\n"]


def test_tsv_takes_quotation_marks_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('label\ttext\n1\t他说"好\n0\t"不好\n', encoding="utf-8")
    assert [document.text for document in read_documents(path)] == ['他说"好', '"不好']


HEAD = "<html><head><meta charset=gb2312><title>新闻</title></head>"
PAGE = f"{HEAD}<body><nav>首页</nav><p>今天天气很好。</p></body></html>"


def warc(kind: str, content_type: str, body: bytes) -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:1>\r\nWARC-Target-URI: http://a.cn/\r\n"
    return f"{head}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n\r\n"


def test_html_and_warc_give_the_text_of_pages(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE, encoding="gb18030")
    (document,) = read_documents(tmp_path / "a.html")
    assert (document.text, document.meta) == ("今天天气很好。", {"title": "新闻"})
    page = PAGE.encode("gb18030")
    chunked = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"%x\r\n%s\r\n0\r\n\r\n" % (len(page), page)
    packed = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(page)
    records = [
        warc("warcinfo", "application/warc-fields", b"software: x\r\n"),
        warc("response", "application/http; msgtype=response", chunked),
        warc("request", "application/http; msgtype=request", b"GET / HTTP/1.1\r\n\r\n"),
        warc("response", "application/http; msgtype=response", packed),
        warc("response", "application/http", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"),
        warc("conversion", "text/plain", "纯文本。".encode()),
    ]
    (tmp_path / "c.warc.gz").write_bytes(b"".join(map(gzip.compress, records)))
    found = list(read_documents(tmp_path / "c.warc.gz"))
    assert [document.text for document in found] == ["今天天气很好。", "今天天气很好。", "纯文本。"]
    assert found[0].meta["url"] == "http://a.cn/"


def test_a_hugging_face_data_set_is_read_by_name_and_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "train.jsonl").write_text(JSONL, encoding="utf-8")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    assert [document.text for document in read_documents(f"hf:{tmp_path / 'named'}")] == TEXTS
    datasets.Dataset.from_dict({"text": TEXTS}).save_to_disk(str(tmp_path / "saved"))
    assert [document.text for document in read_documents(tmp_path / "saved")] == TEXTS


def test_standard_input_is_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(JSONL.encode()), encoding="utf-8"))
    report = build_corpus(CorpusConfig(input=["-"], output=str(tmp_path / "out"), preset="keep-all"))
    assert (report.kept, list(report.sources)) == (3, ["stdin"])
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def bad_records(path: Path, **options: object) -> list[BadRecord]:
    (file,) = find_inputs([str(path)])
    found = read_file(file, ReaderOptions(**options), FileFacts({}))
    return [item for item in found if isinstance(item, BadRecord)]


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "inner.zip", "inner.tar.gz"])
def test_cases_15_16_members_that_leave_the_archive_or_are_archives_are_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, "我们")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 6
        tar.addfile(info, io.BytesIO("我们".encode()))
    for path in (tmp_path / "a.zip", tmp_path / "a.tar"):
        with pytest.raises(UserError, match=r"a\.(zip|tar)!"):
            list(read_documents(path))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_case_16_links_and_devices_in_a_tar_are_refused(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(UserError, match="a link or device"):
        list(read_documents(tmp_path / "a.tar"))


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.txt.gz"])
def test_case_15_a_decompression_bomb_is_stopped_at_the_cap_and_named(name: str, tmp_path: Path) -> None:
    block = b"\0" * (1 << 20)
    if name.endswith("zip"):
        with (
            zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("a.txt", "w") as member,
        ):
            for _ in range(150):
                member.write(block)
    else:
        with gzip.open(tmp_path / name, "wb", compresslevel=1) as packed:
            for _ in range(150):
                packed.write(block)
    with pytest.raises(UserError, match="a decompression bomb"):
        list(read_documents(tmp_path / name))


def test_names_in_a_zip_of_a_chinese_system_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("AAAA.txt", "不" + "\x01" * 9)
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"AAAA", "新闻".encode("gb18030")))
    (bad,) = bad_records(tmp_path / "a.zip")
    assert (bad.member, bad.reason) == ("新闻.txt", "broken_characters")


def test_hz_and_utf16_without_a_mark_are_told(tmp_path: Path) -> None:
    text = "我们使用语言模型。\n2026 年 11 月 23 日，今天 is Monday。"
    for encoding in ("hz", "utf-16-le", "utf-16-be"):
        path = tmp_path / f"{encoding}.txt"
        path.write_bytes(text.encode(encoding))
        assert [document.text for document in read_documents(path)] == [text], encoding
