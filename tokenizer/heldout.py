"""Which documents are reserved for evaluation: a pure function of seed, source and near-duplicate cluster."""

from __future__ import annotations

import hashlib
import json

from corpus.document import Document
from corpus.manifest import canonical_json

HELDOUT = "heldout"


def near_duplicate_cluster(identity: str, meta: str) -> str:
    """Return the name of a document's near-duplicate cluster: its own id where the corpus recorded none."""
    if '"cluster"' not in meta:
        return identity
    return str(json.loads(meta).get("cluster", identity))


def cluster_hash(seed: int, source: str, cluster: str) -> int:
    """Return the 64-bit hash that decides whether a cluster of near-duplicates is reserved."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{source}\0{cluster}".encode(), digest_size=8).digest(), "big")


def hash_limit(fraction: float) -> int:
    """Return the hash below which a cluster is reserved."""
    return int(fraction * 2**64)


def is_reserved(document: Document, *, fraction: float, seed: int) -> bool:
    """Return whether ``encode_corpus`` keeps a document of a source with 20 documents or more from training.

    Not said of a source so small that none of its hashes lies below ``fraction``: its lowest one is reserved then.
    """
    cluster = near_duplicate_cluster(document.id, canonical_json(document.meta))
    return cluster_hash(seed, document.source, cluster) < hash_limit(fraction)
