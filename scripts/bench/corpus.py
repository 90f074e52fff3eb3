"""Measure the corpus floor beside its peers and print one table.

    python scripts/bench/corpus.py --data ../shared/data [--whole] [--json FILE]

Speeds are megabytes of UTF-8 text per second of one core's CPU time. Peers (datasketch, datatrove, charset-normalizer,
datasets) are measured in the same run on the same documents; one that is not installed is named so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

import zstandard

# This file has the package's name: look for `corpus` in the checkout, not beside this file.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from corpus import CorpusConfig, Document, build_corpus  # noqa: E402
from corpus.cleaning import document_key  # noqa: E402
from corpus.dedup.minhash import BandWriter, MinHasher  # noqa: E402
from corpus.presets import document_steps, load_steps  # noqa: E402
from corpus.readers.encoding import detect_encoding  # noqa: E402
from corpus.steps import fineweb2_quality, fineweb2_repetition, language  # noqa: E402
from corpus.steps.pii import find_pii  # noqa: E402

SIGNS = (
    "的一是了我不在人们有来他这上着个地到大里说就去子得也和那要下看天"
    "时过出小么起你都把好还多没为又可家学只以主会样年想生"
)
Row = tuple[str, str, str, str]


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
    yield "language", f"{speed(texts, lambda text: language(Document('1', text))):.1f} MB/s", "timed apart", ""
    some = texts[::20]
    words = speed(some, lambda text: (fineweb2_quality(Document("1", text)), fineweb2_repetition(Document("1", text))))
    yield "rules on words (FineWeb-2)", f"{words:.1f} MB/s", "timed apart", ""


def minhash_speed(raw: Path) -> Iterable[Row]:
    texts = texts_of(raw / "news_xwlb.jsonl.zst", 10)
    hasher = MinHasher()
    writer = BandWriter(hasher)
    ours = speed(texts, writer.keys)
    peer = "datasketch is not installed"
    if find_spec("datasketch"):
        from datasketch import MinHash

        def theirs(text: str) -> None:
            signature = MinHash(num_perm=hasher.bands * hasher.rows)
            signature.update_batch([text[i : i + 4].encode() for i in range(len(text) - 3)])

        rate = speed(texts[:400], theirs)
        peer = f"datasketch {rate:.2f} MB/s: {ours / rate:.0f} times (goal 20)"
    yield "MinHash with shingling, 126 functions, 4-grams", f"{ours:.1f} MB/s", "goal 15", peer


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


# Patterns between two \b, the form that data-juicer 1.6.1 and datatrove 0.10.1 give theirs; written here, not copied.
PEER_PATTERNS = {
    "mobile": re.compile(r"\b1[3-9]\d{9}\b"),
    "id_card": re.compile(r"\b[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]\b"),
    "email": re.compile(r"\b[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b"),
}


def pii_recall() -> Iterable[Row]:
    rng = random.Random(0)

    def digits(count: int) -> str:
        return "".join(rng.choices("0123456789", k=count))

    def id_card() -> str:
        body = f"110105{rng.randrange(1940, 2010)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{digits(3)}"
        return body + "10X98765432"[sum(2 ** (17 - place) * int(digit) for place, digit in enumerate(body)) % 11]

    makers = {
        "id_card": id_card,
        "mobile": lambda: "1" + rng.choice("3456789") + digits(9),
        "email": lambda: f"zhang{digits(5)}@qq.com",
    }
    for kind, make in makers.items():
        texts = [f"联系方式是{make()}请查收" for _ in range(1000)]
        ours = sum(any(found == kind for _, _, found in find_pii(text)) for text in texts)
        theirs = sum(bool(PEER_PATTERNS[kind].search(text)) for text in texts)
        yield f"PII glued to Chinese: {kind}", f"{ours} of 1000", "goal 1000", f"a pattern with \\b: {theirs}"
    false = sum(kind == "id_card" for _ in range(200_000) for _, _, kind in find_pii(f"编号{digits(18)}的"))
    yield "false ID cards in 200,000 digit strings", str(false), "goal <= 20", ""


def law_kept(raw: Path, folder: Path) -> Iterable[Row]:
    texts = [text for text in texts_of(raw / "law_lawrefbook.jsonl.zst", 8) if len(text) >= 200][:146]
    path = folder / "law.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    report = build_corpus(CorpusConfig(input=[str(path)], output=str(folder / "law")))
    peer = "datatrove is not installed"
    if find_spec("datatrove"):
        try:
            from datatrove.data import Document as Theirs
            from datatrove.pipeline.filters import C4QualityFilter

            rule = C4QualityFilter()
            kept = sum(rule.filter(Theirs(text=text, id=str(n))) is True for n, text in enumerate(texts))
            peer = f"datatrove's C4 filter keeps {kept}"
        except Exception as error:  # a peer's missing model or word list is a result, not a failure of ours
            peer = f"datatrove could not run: {type(error).__name__}"
    yield f"clean law documents kept by default, of {len(texts)}", str(report.kept), "goal 95 %", peer


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
    peer = "datasets is not installed"
    if find_spec("datasets"):
        code = f"import datasets; datasets.load_dataset('json', data_files={str(path)!r}, cache_dir={str(folder)!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        peer = f"datasets: exit {done.returncode}, {'names' if ':501' in done.stderr else 'does not name'} the line"
    yield "one bad line of 1,001", f"{report.kept} kept, line set aside", "", peer


def child(inputs: list[str], output: Path, workers: int = 1, engine: str = "local") -> tuple[float, float, str]:
    """Build in a process of its own; return seconds, its peak megabytes, and a hash of all bytes written."""
    code = (
        "import sys; from corpus import CorpusConfig, build_corpus\n"
        "output, workers, engine, *inputs = sys.argv[1:]\n"
        "build_corpus(CorpusConfig(input=inputs, output=output, workers=int(workers), engine=engine))\n"
    )
    start = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", code, str(output), str(workers), engine, *inputs]
    process = subprocess.Popen(command, env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the build of {inputs} ended with {process.returncode}")
    digest = hashlib.sha256()
    for path in sorted(output.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(output).as_posix().encode() + path.read_bytes())
    return time.perf_counter() - start, usage.ru_maxrss / 1024, digest.hexdigest()


def whole_builds(raw: Path, folder: Path, *, whole: bool) -> Iterable[Row]:
    names = ["news_xwlb", "people_daily_199801", "essays_sanwen", "libreoffice_help_zh_cn", "classic_novels_4"]
    inputs = [str(raw / f"{name}.jsonl.zst") for name in names]
    results = [child(inputs, folder / f"w{workers}", workers) for workers in (1, 2, 7)]
    engines = "1, 2 and 7 workers"
    if find_spec("ray"):
        results.append(child(inputs, folder / "ray", 2, "ray"))
        engines += " and Ray"
    same = len({digest for _, _, digest in results}) == 1
    yield f"the same bytes from {engines}", str(same), "True", ""
    twice = []
    for path in inputs:
        other = folder / f"turned_{Path(path).name}"
        with (
            zstandard.open(path, "rt", encoding="utf-8") as stream,
            zstandard.open(other, "wt", encoding="utf-8") as out,
        ):
            for line in stream:
                out.write(json.dumps({"text": json.loads(line)["text"][::-1]}, ensure_ascii=False) + "\n")
        twice.append(str(other))
    _, peak, _ = child(inputs + twice, folder / "twice")
    yield "peak memory, input once and doubled", f"{results[0][1]:.0f} and {peak:.0f} MB", "flat", ""
    if whole:
        seconds, peak, _ = child([str(raw)], folder / "whole")
        yield "the whole of raw, one worker", f"{peak:.0f} MB, {seconds:.0f} s", "goal < 2048 MB", ""


def main() -> None:
    """Run every measurement and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with raw/ and dirty/ (see its MANIFEST.md)")
    parser.add_argument("--whole", action="store_true", help="also build the whole of raw/ (minutes)")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    arguments = parser.parse_args()
    raw = arguments.data / "raw"
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part in (
            steps_speed(raw),
            minhash_speed(raw),
            near_dedup(folder),
            pii_recall(),
            law_kept(raw, folder),
            encodings(raw),
            one_bad_line(folder),
            whole_builds(raw, folder, whole=arguments.whole),
        ):
            for row in part:
                rows.append(row)
                print(f"| {' | '.join(row)} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
