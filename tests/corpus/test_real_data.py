"""The real files beside the checkout: nothing is lost, clean text stays, what was made to be rubbish goes.

A sample of every file always; the whole files, built as users would build them, in the slow proofs.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from corpus import CorpusConfig, CorpusReport, VerifyCorpusConfig, build_corpus, read_documents, verify_corpus
from corpus.readers.encoding import detect_encoding
from corpus.report import load_report
from corpus.steps.normalise import normalise_text

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FOLDERS = ("raw", "dirty", "trad")
FILES = sorted(f"{folder}/{path.name}" for folder in FOLDERS for path in (DATA / folder).glob("*.zst"))
CLEAN = ("law_lawrefbook", "news_xwlb", "people_daily_199801")
RUBBISH = ("hongloumeng_repeated_chapters", "html_pages_raw")
SAMPLE_BYTES, SAMPLE_LINES = 200_000, 600


@dataclass(frozen=True)
class Built:
    """A build over some of the files, in a process of its own."""

    folder: Path
    report: CorpusReport
    megabytes: float
    """The most memory that the process had at once."""

    read: dict[str, int]
    """Lines with anything in them, counted apart from our readers, by source."""


def source_of(name: str) -> str:
    return Path(name).name.removesuffix(".zst").rsplit(".", 1)[0]


def lines_of(path: Path) -> Iterator[bytes]:
    with zstandard.open(path, "rb") as stream:
        rest = b""
        while block := stream.read(1 << 20):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
    yield from [rest] if rest else []


def build(inputs: list[Path], output: Path, read: dict[str, int]) -> Built:
    code = (
        "import sys; from corpus import CorpusConfig, build_corpus\n"
        "build_corpus(CorpusConfig(input=sys.argv[2:], output=sys.argv[1], txt_unit='line', workers=1))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(output), *map(str, inputs)], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Built(output, load_report(output), usage.ru_maxrss / 1024, read)


@pytest.fixture(scope="module")
def sampled(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The first lines of every file."""
    folder = tmp_path_factory.mktemp("samples")
    read = {}
    for name in FILES:
        sample: list[bytes] = []
        for line in itertools.islice(lines_of(shared_data / name), SAMPLE_LINES):
            sample.append(line)
            if sum(map(len, sample)) > SAMPLE_BYTES * (6 if source_of(name) in CLEAN else 1):
                break
        (folder / Path(name).name.removesuffix(".zst")).write_bytes(b"\n".join(sample) + b"\n")
        read[source_of(name)] = sum(bool(line.strip()) for line in sample)
    return build([folder], tmp_path_factory.mktemp("sampled") / "out", read)


@pytest.fixture(scope="module", params=FOLDERS)
def whole(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """All files of a folder, each whole."""
    folder = shared_data / request.param
    read = {source_of(path.name): sum(map(bool, map(bytes.strip, lines_of(path)))) for path in folder.glob("*.zst")}
    return build([folder], tmp_path_factory.mktemp("whole") / "out", read)


def check_balance(built: Built) -> None:
    assert {name: its["read"] for name, its in built.report.sources.items()} == built.read
    for name, its in built.report.sources.items():
        accounted = its["kept"] + sum(its["dropped"].values()) + sum(its["quarantined"].values())
        assert accounted == its["read"], name
    kept = Counter(document.source for document in read_documents(built.folder))
    assert kept == Counter({name: its["kept"] for name, its in built.report.sources.items() if its["kept"]})
    rejected = sum(path.read_bytes().count(b"\n") for path in built.folder.glob("rejected/*/*.jsonl"))
    assert rejected == built.report.read - built.report.kept
    assert verify_corpus(VerifyCorpusConfig(folder=str(built.folder))).documents == built.report.kept


def test_every_record_of_a_sample_of_each_file_is_kept_dropped_or_quarantined(sampled: Built) -> None:
    assert len(sampled.read) == len(FILES) > 20
    check_balance(sampled)


@pytest.mark.slow
@pytest.mark.timeout(7200)  # minutes on a quiet machine; on a crowded one an hour
def test_every_record_of_each_file_is_kept_dropped_or_quarantined(whole: Built) -> None:
    check_balance(whole)
    assert whole.megabytes < 2048


def share_kept(built: Built, data: Path, name: str) -> float:
    """Return the share kept of a source's documents that have 200 characters or more as they are read."""
    there = {document.id for document in read_documents(built.folder) if document.source == name}
    long = []
    for row, line in enumerate(lines_of(data / "raw" / f"{name}.jsonl.zst"), 1):
        record = json.loads(line)
        if len(normalise_text(record["text"])) >= 200:
            long.append(str(record.get("id", f"{name}:{row}")))
        if row == built.read[name]:
            break
    assert len(long) > 15
    return sum(identity in there for identity in long) / len(long)


@pytest.mark.parametrize("name", CLEAN)
def test_default_keeps_a_sample_of_clean_text(name: str, sampled: Built, shared_data: Path) -> None:
    assert share_kept(sampled, shared_data, name) >= 0.95


@pytest.mark.slow
@pytest.mark.timeout(7200)  # minutes on a quiet machine; on a crowded one an hour
@pytest.mark.parametrize("whole", ["raw"], indirect=True)
def test_default_keeps_clean_text_of_the_whole_files(whole: Built, shared_data: Path) -> None:
    assert {name: share_kept(whole, shared_data, name) >= 0.95 for name in CLEAN} == dict.fromkeys(CLEAN, True)


def check_rubbish(built: Built) -> None:
    for name in RUBBISH:
        its = built.report.sources[name]
        assert (its["kept"], sum(its["dropped"].values())) == (0, built.read[name])


def test_nothing_is_kept_of_pages_of_markup_and_of_chapters_that_repeat_themselves(sampled: Built) -> None:
    check_rubbish(sampled)


@pytest.mark.slow
@pytest.mark.timeout(7200)  # minutes on a quiet machine; on a crowded one an hour
@pytest.mark.parametrize("whole", ["dirty"], indirect=True)
def test_nothing_is_kept_of_the_rubbish_and_of_the_duplicates_of_the_whole_files(
    whole: Built, shared_data: Path
) -> None:
    check_rubbish(whole)
    name = "zhihu_titles_with_duplicates_2021"
    titles = [json.loads(line)["text"] for line in lines_of(shared_data / "dirty" / f"{name}.jsonl.zst")]
    there = [document.text for document in read_documents(whole.folder) if document.source == name]
    assert len(there) == len(set(there))
    twice = len(titles) - len(set(map(normalise_text, titles)))
    assert twice > 19_000
    assert whole.report.sources[name]["dropped"]["exact_duplicate"] >= twice


def test_every_duplicate_planted_into_real_text_goes_and_its_original_stays(shared_data: Path, tmp_path: Path) -> None:
    """Copies, copies in full-width letters and other white space, and copies with 2 % of their characters changed."""
    rng = random.Random(0)
    records: list[dict[str, str]] = []
    for line in lines_of(shared_data / "raw" / "news_xwlb.jsonl.zst"):
        record = json.loads(line)
        if len(record["text"]) > 300:
            records.append({"id": f"original {len(records)}", "text": record["text"]})
        if len(records) == 600:
            break
    wide = {code: chr(code + 0xFEE0) for code in [*range(48, 58), *range(65, 91)]}
    for number in range(0, 600, 6):
        text = records[number]["text"]
        edited = "".join(rng.choice("天地玄黄宇宙洪荒") if rng.random() < 0.02 else sign for sign in text)
        spaced = "\u3000" + text.translate(wide).replace("\n", " \r\n\r\n\r\n")
        records += [{"id": f"copy {number}", "text": text}, {"id": f"edit {number}", "text": edited}]
        records += [{"id": f"wide {number}", "text": spaced if "\n" not in text else text.translate(wide)}]
    rng.shuffle(records)
    path = tmp_path / "planted.jsonl"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    build_corpus(CorpusConfig(input=[str(path)], output=str(tmp_path / "out")))
    sizes = Counter[str]()
    for document in read_documents(tmp_path / "out"):
        sizes[document.id.split(" ")[1]] += 1
    assert max(sizes.values()) == 1  # one of each family of original, copy, wide and edit
    assert set(sizes) >= {str(number) for number in range(0, 600, 6)}


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("dirty/as_test.big5.txt", "big5hkscs"),
        ("dirty/cityu_test.big5.txt", "big5hkscs"),
        ("dirty/pku_test.gbk.txt", "gb18030"),
        ("dirty/msr_test_gold.gbk.txt", "gb18030"),
        ("lex/cilin_ex.gb18030.crlf.txt", "gb18030"),
    ],
)
def test_legacy_originals_decode_as_their_utf8_twins(name: str, codec: str, shared_data: Path, tmp_path: Path) -> None:
    with zstandard.open(shared_data / f"{name}.zst", "rb") as stream:
        data = stream.read()
    assert detect_encoding(data) == codec
    twin = tmp_path / "twin.txt"
    twin.write_bytes(data.decode(codec).encode())
    ours = [document.text for document in read_documents(shared_data / f"{name}.zst")]
    assert ours == [document.text for document in read_documents(twin)]
    if name.startswith("lex/"):  # here the twin lies beside it
        theirs = [document.text for document in read_documents(shared_data / "lex" / "cilin_ex.txt.zst")]
        assert ours == theirs
