"""Which documents are reserved for evaluation: a pure function of seed, source and near-duplicate cluster."""

from __future__ import annotations

import hashlib
import json

from corpus.document import Document
from corpus.manifest import canonical_json

HELDOUT = "heldout"


def reservation_key(seed: int, source: str, identity: str, meta: str) -> int:
    """Return the 64-bit hash that decides whether a document is reserved.

    It is that of the near-duplicate cluster which the corpus recorded in ``meta``, the same whatever the sources of its
    documents, so that none is trained on when another is reserved; else that of the source and the id.
    """
    name = f"{source}\0{identity}"
    if '"cluster"' in meta and (cluster := json.loads(meta).get("cluster")) is not None:
        name = f"\0{cluster}"
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest(), "big")


def hash_limit(fraction: float) -> int:
    """Return the hash below which a cluster is reserved."""
    return int(fraction * 2**64)


def is_reserved(document: Document, *, fraction: float, seed: int) -> bool:
    """Return whether ``encode_corpus`` keeps a document of a source with 20 documents or more from training.

    Not said of a source so small that none of its hashes lies below ``fraction``: its lowest one is reserved then.
    """
    key = reservation_key(seed, document.source, document.id, canonical_json(document.meta))
    return key < hash_limit(fraction)
