"""Near duplicates: the estimate, the recall and precision of the links, and independence of order."""

from __future__ import annotations

import json
import random
import re
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from corpus import CorpusConfig, build_corpus, read_documents
from corpus.dedup.exact import exact_duplicates, repeated_ids
from corpus.dedup.minhash import MinHasher, jaccard, shingles

SIGNS = (
    "的一是了我不在人们有来他这上着个地到大里说就去子得也和那要下看天"
    "时过出小么起你都把好还多没为又可家学只以主会样年想生同老中十"
)


def random_text(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(SIGNS, k=length))


def edited(rng: random.Random, text: str, share: float) -> str:
    return "".join(rng.choice(SIGNS) if rng.random() < share else sign for sign in text)


def true_jaccard(first: str, second: str, ngram: int = 4) -> float:
    a, b = ({text[i : i + ngram] for i in range(len(text) - ngram + 1)} for text in (first, second))
    return len(a & b) / len(a | b)


def test_jaccard_of_hashed_shingles_is_that_of_the_shingles() -> None:
    rng = random.Random(0)
    for share in (0.0, 0.02, 0.05, 0.1, 0.3):
        text = random_text(rng, 500)
        other = edited(rng, text, share)
        assert jaccard(shingles(text, 4), shingles(other, 4)) == pytest.approx(true_jaccard(text, other), abs=1e-12)


def test_signatures_estimate_jaccard_without_bias() -> None:
    rng = random.Random(1)
    hasher = MinHasher()
    functions = hasher.bands * hasher.rows
    errors = []
    for _ in range(300):
        text = random_text(rng, 400)
        other = edited(rng, text, rng.random() * 0.15)
        truth = true_jaccard(text, other)
        estimate = float((hasher.signature(text) == hasher.signature(other)).mean())
        errors.append((estimate - truth) / sqrt(truth * (1 - truth) / functions + 1e-9))
    # In units of the binomial's standard deviation: mean 0 and deviation 1 for ideal hash functions.
    assert abs(np.mean(errors)) < 4 / sqrt(300)
    assert np.std(errors) < 1 + 4 / sqrt(2 * 300)


def planted(rng: random.Random, originals: int) -> tuple[list[str], list[tuple[int, int]]]:
    texts = [random_text(rng, rng.randrange(150, 400)) for _ in range(originals)]
    pairs = []
    for number in range(0, originals, 2):
        pairs.append((number, len(texts)))
        texts.append(edited(rng, texts[number], 0.2 * rng.random()))
    return texts, pairs


def dropped_for(folder: Path) -> dict[str, tuple[str, float]]:
    files = (folder / "rejected" / "near_duplicate").glob("*.jsonl")
    records = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return {record["id"]: (record["duplicate_of"], record["similarity"]) for record in records}


def check_recall_and_precision(originals: int, tmp_path: Path) -> None:
    rng = random.Random(2)
    texts, pairs = planted(rng, originals)
    path = tmp_path / "in.jsonl"
    lines = (json.dumps({"id": str(n), "text": text}, ensure_ascii=False) for n, text in enumerate(texts))
    path.write_text("\n".join(lines), encoding="utf-8")
    steps: list[str | dict[str, object]] = ["exact_dedup", "near_dedup"]
    build_corpus(CorpusConfig(input=[str(path)], output=str(tmp_path / "out"), steps=steps))
    dropped = dropped_for(tmp_path / "out")
    close = [(a, b) for a, b in pairs if texts[a] != texts[b] and true_jaccard(texts[a], texts[b]) >= 0.8]
    found = sum(dropped.get(str(a), ("",))[0] == str(b) or dropped.get(str(b), ("",))[0] == str(a) for a, b in close)
    assert found >= 0.95 * len(close)
    for name, (other, similarity) in dropped.items():
        truth = true_jaccard(texts[int(name)], texts[int(other)])
        assert truth >= 0.5  # links need 0.7; a document goes for one of its cluster that is half the same
        assert similarity == pytest.approx(truth, abs=1e-4)


def test_planted_edits_are_found_and_no_link_is_below_the_threshold(tmp_path: Path) -> None:
    check_recall_and_precision(1500, tmp_path)


@pytest.mark.slow
def test_planted_edits_are_found_among_twenty_thousand_documents(tmp_path: Path) -> None:
    check_recall_and_precision(13_334, tmp_path)


def test_the_document_that_stays_does_not_depend_on_the_order_or_division_of_files(tmp_path: Path) -> None:
    rng = random.Random(3)
    texts, _ = planted(rng, 200)
    texts += [edited(rng, texts[0], 0.015) for _ in range(20)]  # a cluster, some of it chained
    records = [{"id": f"d{n}", "text": text} for n, text in enumerate(texts)]
    kept = []
    for name, parts in (("one", 1), ("three", 3)):
        rng.shuffle(records)
        folder = tmp_path / name
        folder.mkdir()
        for part in range(parts):
            lines = (json.dumps(record, ensure_ascii=False) for record in records[part::parts])
            (folder / f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        steps: list[str | dict[str, object]] = ["exact_dedup", "near_dedup"]
        build_corpus(CorpusConfig(input=[str(folder)], output=str(tmp_path / f"{name}_out"), steps=steps))
        documents = list(read_documents(tmp_path / f"{name}_out"))
        kept.append(sorted((document.id, document.text, document.meta.get("cluster_size")) for document in documents))
    assert kept[0] == kept[1]
    sizes = [size or 1 for _, _, size in kept[0]]
    assert sum(sizes) == len(texts)
    assert max(sizes) > 20  # all edits of one text go for one of them


def test_exact_duplicates_keep_the_smallest_id_in_any_number_of_parts() -> None:
    rng = np.random.default_rng(0)
    keys = [rng.integers(0, 20, size=(n, 4), dtype=np.uint64) << np.uint64(59) for n in (50, 0, 70)]
    flat = np.concatenate(keys)
    for memory in (1 << 30, 400):
        stays_as = np.arange(120)
        exact_duplicates(keys, [0, 50, 50], stays_as, memory)
        for row in range(120):
            same = [n for n in range(120) if (flat[n, :2] == flat[row, :2]).all()]
            assert stays_as[row] == min(same, key=lambda n: (flat[n, 2], n))
        number = repeated_ids(keys, [0, 50, 50], np.ones(120, dtype=bool), memory)
        assert [int((flat[:row, 2] == flat[row, 2]).sum()) for row in range(120)] == number.tolist()


def test_what_stays_of_a_cluster_has_one_name_and_is_held_out_together(tmp_path: Path) -> None:
    """A chain in which each is like the next (over 0.7) and the last is unlike the first (under 0.5): several stay."""
    rng = random.Random(4)
    chain = [random_text(rng, 300)]
    for _ in range(12):
        place = rng.randrange(270)
        chain.append(chain[-1][:place] + random_text(rng, 30) + chain[-1][place + 30 :])
    records = [{"id": f"c{n}", "text": text} for n, text in enumerate(chain)]
    records += [{"id": f"o{n}", "text": random_text(rng, 300)} for n in range(20)]
    found = []
    for name, parts in (("one", 1), ("three", 3)):
        rng.shuffle(records)
        (tmp_path / name).mkdir()
        for part in range(parts):
            lines = (json.dumps(record, ensure_ascii=False) for record in records[part::parts])
            (tmp_path / name / f"{part}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        build_corpus(CorpusConfig(input=[str(tmp_path / name)], output=str(tmp_path / f"{name}_out")))
        documents = list(read_documents(tmp_path / f"{name}_out"))
        found.append({document.id: document.meta.get("cluster") for document in documents})
    assert found[0] == found[1]
    named = {cluster for name, cluster in found[0].items() if name.startswith("c")}
    assert len(named) == 1
    assert re.fullmatch("[0-9a-f]{16}", named.pop() or "")
    assert sum(name.startswith("c") for name in found[0]) > 1
    assert {cluster for name, cluster in found[0].items() if name.startswith("o")} == {None}
