"""What is reserved goes by near-duplicate cluster, across sources."""

from __future__ import annotations

from corpus.document import Document
from corpus.manifest import canonical_json
from tokenizer.heldout import is_reserved, reservation_key


def test_a_cluster_is_reserved_whole_whatever_its_sources_and_ids() -> None:
    meta = {"cluster": "00c0ffee00c0ffee", "title": "新闻"}
    documents = [Document(f"d{n}", f"第{n}篇", source, meta) for n, source in enumerate(["news", "news", "web"])]
    for seed in range(200):
        assert len({is_reserved(document, fraction=0.5, seed=seed) for document in documents}) == 1
    seeds = [is_reserved(documents[0], fraction=0.5, seed=seed) for seed in range(400)]
    assert 0.4 < sum(seeds) / 400 < 0.6  # 4 * sqrt(0.25 / 400) = 0.1


def test_without_a_cluster_source_and_id_decide() -> None:
    keys = {
        reservation_key(0, source, identity, canonical_json({"text": 'a "cluster" in words'}))
        for source in ("news", "web")
        for identity in ("1", "2")
    }
    assert len(keys) == 4
