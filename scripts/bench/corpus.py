"""Measure the corpus floor beside its peers and print one table.

    python scripts/bench/corpus.py --data ../shared/data [--peers FOLDER] [--whole] [--json FILE]

Speeds are megabytes of UTF-8 text per second of processor time on one core. Peers (data-juicer, datatrove, datasketch
from the package index, in environments of their own made in ``--peers``, 1.3 GB; charset-normalizer and datasets
as installed here) are asked about the same documents in the same run. One that is not asked, or fails, is named so.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import zstandard

# This file has the package's name: look for `corpus` in the checkout first, then for what lies beside this file.
HERE = sys.path[0]
sys.path[0] = str(Path(__file__).resolve().parents[2])
sys.path.append(HERE)

from corpus_builds import Row, memory, reading_and_writing, same_bytes, whole_raw  # noqa: E402
from corpus_peers import Peers  # noqa: E402

from corpus import CorpusConfig, Document, build_corpus  # noqa: E402
from corpus.cleaning import document_key  # noqa: E402
from corpus.dedup.minhash import BandWriter, MinHasher  # noqa: E402
from corpus.presets import document_steps, load_steps  # noqa: E402
from corpus.readers.encoding import detect_encoding  # noqa: E402
from corpus.steps import fineweb2_quality, fineweb2_repetition, language  # noqa: E402
from corpus.steps.pii import KIND_NAMES, find_pii  # noqa: E402
from corpus.steps.pii_patterns import PLATE_PROVINCES, passes_luhn  # noqa: E402

SIGNS = (
    "的一是了我不在人们有来他这上着个地到大里说就去子得也和那要下看天"
    "时过出小么起你都把好还多没为又可家学只以主会样年想生"
)


def texts_of(path: Path, megabytes: float) -> list[str]:
    found, size = [], 0
    with zstandard.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            found.append(json.loads(line)["text"])
            size += len(found[-1].encode())
            if size > megabytes * 1e6:
                break
    return found


def speed(texts: list[str], work: Callable[[str], object]) -> float:
    for text in texts[:20]:
        work(text)
    start = time.process_time()
    for text in texts:
        work(text)
    return sum(len(text.encode()) for text in texts) / 1e6 / (time.process_time() - start)


def steps_speed(raw: Path) -> Iterable[Row]:
    texts = [text for path in sorted(raw.glob("*.zst")) for text in texts_of(path, 3)]
    steps = document_steps(load_steps("default", None))

    def default(text: str) -> None:
        document = Document("1", text)
        for _, step in steps:
            outcome = step(document)
            if isinstance(outcome, str):
                return
            document = outcome if outcome is not None else document
        document_key(document)

    yield "normalise + rules + PII + exact dedup", f"{speed(texts, default):.1f} MB/s", "goal 5", ""
    yield (
        "language identification",
        f"{speed(texts, lambda text: language(Document('1', text))):.1f} MB/s",
        "timed apart",
        "",
    )
    some = texts[::20]
    words = speed(some, lambda text: (fineweb2_quality(Document("1", text)), fineweb2_repetition(Document("1", text))))
    yield "rules on words (FineWeb-2)", f"{words:.1f} MB/s", "timed apart", ""


def minhash_speed(raw: Path, peers: Peers) -> Iterable[Row]:
    texts = texts_of(raw / "news_xwlb.jsonl.zst", 10)
    hasher = MinHasher()
    writer = BandWriter(hasher)
    ours = speed(texts, writer.keys)
    some = texts[:400]
    peer = peers.ask("datasketch_minhash", some)
    if isinstance(peer, float):
        rate = sum(len(text.encode()) for text in some) / 1e6 / peer
        peer = f"datasketch {rate:.2f} MB/s: {ours / rate:.0f} times (goal 20)"
    yield "MinHash with shingling, 126 functions, 4-grams", f"{ours:.1f} MB/s", "goal 15", str(peer)


def near_dedup(folder: Path) -> Iterable[Row]:
    rng = random.Random(0)
    texts = ["".join(rng.choices(SIGNS, k=rng.randrange(150, 400))) for _ in range(13_334)]
    pairs = []
    for number in range(0, 13_332, 2):
        share = 0.2 * rng.random()
        pairs.append((number, len(texts)))
        texts.append("".join(rng.choice(SIGNS) if rng.random() < share else sign for sign in texts[number]))
    path = folder / "near.jsonl"
    path.write_text("\n".join(json.dumps({"id": str(n), "text": t}) for n, t in enumerate(texts)), encoding="utf-8")
    start = time.perf_counter()
    build_corpus(CorpusConfig(input=[str(path)], output=str(folder / "near"), steps=["exact_dedup", "near_dedup"]))
    seconds = time.perf_counter() - start
    grams = [{text[i : i + 4] for i in range(len(text) - 3)} for text in texts]

    def similarity(a: int, b: int) -> float:
        return len(grams[a] & grams[b]) / len(grams[a] | grams[b])

    files = (folder / "near" / "rejected" / "near_duplicate").glob("*.jsonl")
    records = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    links = {(int(record["id"]), int(record["duplicate_of"])) for record in records}
    close = [pair for pair in pairs if grams[pair[0]] != grams[pair[1]] and similarity(*pair) >= 0.8]
    recall = sum(pair in links or pair[::-1] in links for pair in close) / len(close)
    below = sum(similarity(*link) < 0.5 for link in links)
    found = f"recall {recall:.4f} of {len(close)} pairs, {below} of {len(links)} links below 0.5"
    yield "near dedup, 20,000 documents, edits of 0-20 %", found, "goal 0.95 at J >= 0.8, 0", f"{seconds:.1f} s in all"


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def id_card(rng: random.Random) -> str:
    body = f"110105{rng.randrange(1940, 2010)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{digits(rng, 3)}"
    return body + "10X98765432"[sum(2 ** (17 - place) * int(digit) for place, digit in enumerate(body)) % 11]


def bank_card(rng: random.Random) -> str:
    body = "622202" + digits(rng, 12)
    return next(body + check for check in "0123456789" if passes_luhn(body + check))


def credit_code(rng: random.Random) -> str:
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "91110108" + "".join(rng.choices(signs, k=9))
    return body + signs[-sum(signs.index(sign) * pow(3, place, 31) for place, sign in enumerate(body)) % 31]


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "id_card": id_card,
    "mobile": lambda rng: "1" + rng.choice("3456789") + digits(rng, 9),
    "email": lambda rng: f"zhang{digits(rng, 5)}@{rng.choice(['qq.com', '163.com', 'pku.edu.cn'])}",
    "landline": lambda rng: rng.choice(["010-", "021", "0571-"]) + rng.choice("25678") + digits(rng, 7),
    "bank_card": bank_card,
    "ip": lambda rng: (
        f"{rng.randrange(11, 99)}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}"
    ),
    "plate": lambda rng: rng.choice(PLATE_PROVINCES) + rng.choice("ABCDEFGH") + digits(rng, 5),
    "passport": lambda rng: rng.choice("EG") + digits(rng, 8),
    "credit_code": credit_code,
    "qq": lambda rng: f"QQ{rng.choice('123456789')}{digits(rng, 8)}",
    "wechat": lambda rng: f"微信号wx{digits(rng, 6)}",
}


def pii_recall(peers: Peers) -> Iterable[Row]:
    rng = random.Random(0)
    texts = {kind: [f"联系方式是{MAKERS[kind](rng)}请查收" for _ in range(1000)] for kind in KIND_NAMES}
    flat = [text for some in texts.values() for text in some]
    answers = {name: peers.ask(f"{name}_pii", flat) for name in ("data_juicer", "datatrove")}
    for number, (kind, some) in enumerate(texts.items()):
        ours = sum(any(found == kind for _, _, found in find_pii(text)) for text in some)
        theirs = ", ".join(
            f"{name} {answer if isinstance(answer, str) else sum(answer[1000 * number : 1000 * number + 1000])}"
            for name, answer in answers.items()
        )
        goal = "goal 1000" if kind in ("id_card", "mobile", "email") else "goal 990"
        yield f"PII glued to Chinese, 1,000 planted: {kind}", str(ours), goal, theirs
    false = sum(kind == "id_card" for _ in range(200_000) for _, _, kind in find_pii(f"编号{digits(rng, 18)}的"))
    yield "false ID cards in 200,000 digit strings", str(false), "goal <= 20", ""


def rules(raw: Path, folder: Path, peers: Peers) -> Iterable[Row]:
    texts = [text for text in texts_of(raw / "law_lawrefbook.jsonl.zst", 8) if len(text) >= 200][:146]
    path = folder / "law.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    report = build_corpus(CorpusConfig(input=[str(path)], output=str(folder / "law")))
    answer = peers.ask("datatrove_filters", texts)
    peer = answer if isinstance(answer, str) else ", ".join(f"{name} {n}" for name, n in answer["defaults"].items())
    yield f"clean law documents kept by default, of {len(texts)}", str(report.kept), "goal 95 %", f"datatrove: {peer}"
    names = ("news_xwlb", "essays_sanwen", "tech_lctt", "libreoffice_help_zh_cn", "zhihu_hot_question_titles")
    mixed = [text for name in names for text in texts_of(raw / f"{name}.jsonl.zst", 1)[:60]]
    mixed += [text for text in texts if len(text) < 8000]
    verdicts = peers.ask("datatrove_filters", mixed)
    start = time.process_time()
    ours = [fineweb2_repetition(doc) is None and fineweb2_quality(doc) is None for doc in map(document, mixed)]
    seconds = time.process_time() - start
    signs = {"end_signs": "。！？!?.", "bullets": "•-"}
    exact = [
        fineweb2_repetition(doc) is None and fineweb2_quality(doc, **signs) is None for doc in map(document, mixed)
    ]
    if isinstance(verdicts, str):
        yield "FineWeb-2's verdicts on real documents", "not compared", "", f"datatrove: {verdicts}"
        return
    same, same_exact = (sum(a == b for a, b in zip(mine, verdicts["tuned"], strict=True)) for mine in (ours, exact))
    found = f"{same} of {len(mixed)} the same ({sum(ours)} kept, datatrove {sum(verdicts['tuned'])}); "
    found += f"{same_exact} with datatrove's lists of end signs and bullets"
    peer = f"datatrove with cmn_Hani's settings; ours takes {seconds:.1f} s, it {verdicts['seconds']:.1f} s"
    yield "FineWeb-2's verdicts on real documents", found, "parity", peer


def document(text: str) -> Document:
    return Document("1", text)


def encodings(raw: Path) -> Iterable[Row]:
    texts = [text[100:130] for text in texts_of(raw / "law_lawrefbook.jsonl.zst", 4) if len(text) > 200][:200]
    data = [text.encode("gb18030") for text in texts]
    ours = sum(detect_encoding(item) == "gb18030" for item in data)
    peer = "charset-normalizer is not installed"
    if find_spec("charset_normalizer"):
        from charset_normalizer import from_bytes

        names = [best.encoding if (best := from_bytes(item).best()) else "" for item in data]
        peer = f"charset-normalizer {sum(name in ('gb18030', 'gbk', 'gb2312') for name in names)}"
    yield f"GB18030 told at 30 characters, of {len(data)}", str(ours), "all", peer


def one_bad_line(folder: Path) -> Iterable[Row]:
    good = json.dumps({"text": "我们使用语言模型来预测下一个词的概率。"}, ensure_ascii=False)
    path = folder / "bad.jsonl"
    path.write_text("\n".join([good] * 500 + ["oops"] + [good] * 500), encoding="utf-8")
    report = build_corpus(CorpusConfig(input=[str(path)], output=str(folder / "bad"), steps=["normalise"]))
    (record,) = map(json.loads, (folder / "bad" / "rejected" / "broken_json" / "00000.jsonl").open(encoding="utf-8"))
    code = f"import datasets; datasets.load_dataset('json', data_files={str(path)!r}, cache_dir={str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = (done.stderr.strip().splitlines() or [""])[-1][:90]
    peer = f"datasets: exit {done.returncode}, names line 501: {'501' in last}, the file: {path.name in last}"
    yield "one bad line of 1,001", f"{report.kept} kept, line {record['line']} set aside and named", "", peer


def cut_output(folder: Path, peers: Peers) -> Iterable[Row]:
    texts = [f"第{n}篇：我们使用语言模型来预测下一个词的概率。" for n in range(2000)]
    path = folder / "rerun.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    config = CorpusConfig(input=[str(path)], output=str(folder / "rerun"), preset="keep-all")
    build_corpus(config)
    (shard,) = (folder / "rerun").glob("part-*")
    data = shard.read_bytes()
    shard.write_bytes(data[: len(data) // 2])
    build_corpus(config)
    answer = peers.ask("datatrove_rerun", texts)
    if not isinstance(answer, str):
        left = "unreadable" if answer["again"] < 0 else f"{answer['again']} of {answer['whole']} documents"
        answer = f"datatrove: mended {answer['mended']}, its output is then {left}"
    yield "output cut in half, then run again: mended", str(shard.read_bytes() == data), "True", answer


def main() -> None:
    """Run every measurement and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with raw/ and dirty/ (see its MANIFEST.md)")
    parser.add_argument("--peers", type=Path, help="folder for the peers' environments; made where they are missing")
    parser.add_argument("--whole", action="store_true", help="also build the whole of raw/ (minutes)")
    parser.add_argument("--only", help="measure only the parts whose names hold this")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    arguments = parser.parse_args()
    raw, peers = arguments.data / "raw", Peers(arguments.peers)
    rows: list[Row] = []
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numba", "pyarrow", "datasets"))
    print(f"{datetime.date.today()}, {platform.machine()}, Python {platform.python_version()}, {versions}\n")
    print("| measured | ours | goal | peer |\n|-|-|-|-|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        parts: dict[str, Callable[[], Iterable[Row]]] = {
            "steps": lambda: steps_speed(raw),
            "files": lambda: reading_and_writing(raw, folder),
            "minhash": lambda: minhash_speed(raw, peers),
            "near": lambda: near_dedup(folder),
            "pii": lambda: pii_recall(peers),
            "rules": lambda: rules(raw, folder, peers),
            "encodings": lambda: encodings(raw),
            "bad line": lambda: one_bad_line(folder),
            "cut output": lambda: cut_output(folder, peers),
            "bytes": lambda: same_bytes(raw, folder),
            "memory": lambda: memory(folder),
        }
        if arguments.whole:
            parts["whole"] = lambda: whole_raw(raw, folder)
        for name, part in parts.items():
            for row in part() if not arguments.only or arguments.only in name else ():
                rows.append(row)
                print(f"| {' | '.join(row)} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
