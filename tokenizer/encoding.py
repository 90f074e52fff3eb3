"""``macbert tokenizer encode``: a corpus to token documents with word and sentence starts."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.document import Document
from corpus.engine import make_engine
from corpus.errors import UserError
from corpus.files import MANIFEST_NAME, atomic_file, atomic_folder, fsync_path, sha256_file
from corpus.manifest import canonical_json, config_hash, manifest_sha256, read_manifest, write_manifest
from corpus.reading import corpus_shards
from tokenizer.chinese import ChineseTokenizer
from tokenizer.config import EncodeConfig
from tokenizer.documents import TokenDocuments
from tokenizer.lexicon import LEXICON_NAME, Lexicon
from tokenizer.outputs import own_output
from tokenizer.shards import near_duplicate_cluster, read_batches, worker_tokenizer
from tokenizer.token_files import TokenFileWriter, write_dataset_files
from tokenizer.word_table import WordTable

Progress = Callable[[str, int, int | None], None]

HELDOUT = "heldout"

# A source with fewer documents than this may give none to evaluation; a larger one gives at least one cluster.
MIN_DOCUMENTS_TO_RESERVE = 20


@dataclass(frozen=True)
class EncodedCorpus:
    """What ``encode_corpus`` made."""

    output: str
    documents: int
    tokens: int
    heldout_documents: int
    heldout_tokens: int
    empty_documents: int
    """Documents without a single token, left out."""

    words: int
    unknown_tokens: int
    sources: list[str]
    bytes: int
    """Size of the training and held-out token files."""

    shards: int
    shards_reused: int

    def summary(self) -> list[tuple[str, str]]:
        """Return (label, value) lines for a screen."""
        tokens = self.tokens + self.heldout_tokens
        return [
            ("token documents", self.output),
            ("training", f"{self.documents:,} documents, {self.tokens:,} tokens, {self.words:,} words"),
            ("held out", f"{self.heldout_documents:,} documents, {self.heldout_tokens:,} tokens"),
            ("without tokens", f"{self.empty_documents:,} documents left out"),
            ("[UNK]", f"{self.unknown_tokens / max(1, tokens):.4%} of tokens"),
            ("on disk", f"{self.bytes / max(1, tokens):.2f} bytes a token"),
            ("shards", f"{self.shards}, {self.shards_reused} of them encoded before"),
            ("sources", ", ".join(self.sources)),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return dict(vars(self))


def encode_corpus(config: EncodeConfig, progress: Progress | None = None) -> EncodedCorpus:
    """Encode a corpus folder; the output's bytes are the same for any number of workers.

    A shard that an interrupted run finished, or that is in the output already, is not encoded again. Whole
    near-duplicate clusters are reserved: those whose hash of (seed, source, cluster) lies below ``heldout_fraction``
    of the hash's range, and in a source of 20 documents or more at least the one with the lowest hash.

    Raises:
        UserError: the corpus or the tokenizer is not usable, or the output may not be written.
    """
    output = own_output(config.output, "tokens")
    report = progress or (lambda label, done, total: None)
    tokenizer = ChineseTokenizer.from_pretrained(
        config.tokenizer, segmenter=config.segmenter, user_dictionary=config.user_dictionary
    )
    tokenizer.find_starts([])  # a wrong user dictionary is told before any work
    shards = corpus_shards(config.input)
    shas = _shard_hashes(Path(config.input), shards)
    plan = {
        "vocabulary": config_hash([tokenizer.vocab, tokenizer.lowercase, tokenizer.strip_accents]),
        "segmenter": config.segmenter,
        "user_dictionary": sha256_file(config.user_dictionary) if config.user_dictionary else None,
        "heldout_fraction": config.heldout_fraction,
        "seed": config.seed,
    }
    run = make_engine("local", config.workers)
    sources, always = _survey(shards, config, run, report)
    plan_hash = config_hash([plan, sources, always])
    partial = output.parent / f".{output.name}.partial"
    _prepare(partial, plan_hash)
    reused = _link_finished(output, partial, shas, plan_hash)
    todo = [n for n, sha in enumerate(shas) if not (partial / sha / "done.json").is_file()]
    specs = [
        {
            "shard": str(shards[n]),
            "output": str(partial / shas[n]),
            "tokenizer": str(config.tokenizer),
            "segmenter": config.segmenter,
            "user_dictionary": config.user_dictionary,
            "heldout_fraction": config.heldout_fraction,
            "seed": config.seed,
            "sources": sources,
            "always": always,
        }
        for n in todo
    ]
    for done, _ in enumerate(run("tokenizer.encoding:encode_shard", specs), 1):
        report("encode", done, len(specs))
    results = [json.loads((partial / sha / "done.json").read_text(encoding="utf-8")) for sha in shas]
    with atomic_folder(output) as folder:
        _assemble(folder, partial, shas, results, tokenizer.vocab_size)
        tokens_folder = folder / "tokenizer"
        _copy_tokenizer(Path(config.tokenizer), tokenizer, tokens_folder)
        lexicon = _lexicon(folder, tokenizer, run, report)

        def total(part: str, key: str) -> int:
            return sum(result[part][key] for result in results)

        figures: dict[str, Any] = {
            "documents": total("train", "documents"),
            "tokens": total("train", "tokens"),
            "heldout_documents": total(HELDOUT, "documents"),
            "heldout_tokens": total(HELDOUT, "tokens"),
            "empty_documents": sum(result["empty"] for result in results),
            "words": sum(result["words"] for result in results),
            "unknown_tokens": sum(result["unknown"] for result in results),
            "sources": sources,
        }
        if not figures["documents"]:
            raise UserError.at(config.input, expected="documents with text", found="none", fix="build the corpus again")
        write_manifest(
            folder,
            "tokens",
            config=plan,
            inputs={"corpus": manifest_sha256(config.input)},
            rows={_name(sha): result["train"]["documents"] for sha, result in zip(shas, results, strict=True)},
            vocab_size=tokenizer.vocab_size,
            segmenter=config.segmenter,
            plan_sha256=plan_hash,
            shards=[{"sha256": sha, **result} for sha, result in zip(shas, results, strict=True)],
            lexicon_words=len(lexicon),
            **figures,
        )
    shutil.rmtree(partial, ignore_errors=True)
    size = sum(path.stat().st_size for path in output.rglob("*.arrow"))
    return EncodedCorpus(output=str(output), bytes=size, shards=len(shards), shards_reused=reused, **figures)


def survey_shard(spec: dict[str, Any]) -> dict[str, Any]:
    """Return each source's documents, whether any is reserved, and its lowest hash: a job."""
    found: dict[str, dict[str, Any]] = {}
    limit = _limit(spec["heldout_fraction"])
    for batch in read_batches(spec["shard"]):
        for identity, source, meta in zip(batch.ids, batch.sources, batch.metas, strict=True):
            key = cluster_hash(spec["seed"], source, near_duplicate_cluster(identity, meta))
            entry = found.setdefault(source, {"documents": 0, "reserved": 0, "lowest": key})
            entry["documents"] += 1
            entry["reserved"] += key < limit
            entry["lowest"] = min(entry["lowest"], key)
    return found


def encode_shard(spec: dict[str, Any]) -> dict[str, Any]:
    """Encode one shard into a folder with train.arrow, heldout.arrow and, last, done.json: a job."""
    tokenizer = worker_tokenizer(spec["tokenizer"], spec["segmenter"], spec["user_dictionary"])
    folder = Path(spec["output"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    numbers = {source: number for number, source in enumerate(spec["sources"])}
    limit, always = _limit(spec["heldout_fraction"]), spec["always"]
    empty = words = unknown = 0
    paths = {part: folder / f"{part}.arrow" for part in ("train", HELDOUT)}
    size = tokenizer.vocab_size
    with TokenFileWriter(paths["train"], size) as train, TokenFileWriter(paths[HELDOUT], size) as heldout:
        for batch in read_batches(spec["shard"]):
            encoded = tokenizer.encode_batch(batch.texts)
            word_starts = encoded.word_starts
            sentence_starts = encoded.sentence_starts
            words += int(word_starts.sum())
            unknown += int((encoded.input_ids == tokenizer.unk_id).sum())
            for number, (identity, source, meta) in enumerate(zip(batch.ids, batch.sources, batch.metas, strict=True)):
                tokens = slice(encoded.bounds[number], encoded.bounds[number + 1])
                if tokens.start == tokens.stop:
                    empty += 1
                    continue
                key = cluster_hash(spec["seed"], source, near_duplicate_cluster(identity, meta))
                reserved = key < limit or key == always.get(source)
                writer = heldout if reserved else train
                writer.add(encoded.input_ids[tokens], word_starts[tokens], sentence_starts[tokens], numbers[source])
    for path in paths.values():
        fsync_path(path)
    result: dict[str, Any] = {
        part: {"documents": writer.documents, "tokens": writer.tokens, "sha256": sha256_file(paths[part])}
        for part, writer in (("train", train), (HELDOUT, heldout))
    }
    result |= {"empty": empty, "words": words, "unknown": unknown}
    with atomic_file(folder / "done.json") as stream:
        json.dump(result, stream)
    return {}


def count_words_of_file(spec: dict[str, Any]) -> dict[str, Any]:
    """Count the words of one Arrow file into an .npz file: a job."""
    table = WordTable()
    for input_ids, word_starts in TokenDocuments.from_files([spec["file"]]).batches():
        table.add(input_ids.astype(np.int32), word_starts)
    np.savez(spec["output"], ids=table.ids, offsets=table.offsets, counts=table.counts)
    return {}


def cluster_hash(seed: int, source: str, cluster: str) -> int:
    """Return the 64-bit hash that decides whether a cluster of near-duplicates is reserved."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{source}\0{cluster}".encode(), digest_size=8).digest(), "big")


def is_reserved(document: Document, *, fraction: float, seed: int) -> bool:
    """Return whether :func:`encode_corpus` keeps a document of a source with 20 documents or more from training.

    Not said of a source so small that none of its hashes lies below ``fraction``: its lowest one is reserved then.
    """
    cluster = near_duplicate_cluster(document.id, canonical_json(document.meta))
    return cluster_hash(seed, document.source, cluster) < _limit(fraction)


def _limit(fraction: float) -> int:
    return int(fraction * 2**64)


def _survey(shards: list[Path], config: EncodeConfig, run: Any, report: Progress) -> tuple[list[str], dict[str, int]]:
    specs = [
        {"shard": str(shard), "seed": config.seed, "heldout_fraction": config.heldout_fraction} for shard in shards
    ]
    found: dict[str, dict[str, int]] = {}
    for done, (_, result) in enumerate(run("tokenizer.encoding:survey_shard", specs), 1):
        for source, entry in result.items():
            known = found.setdefault(source, {"documents": 0, "reserved": 0, "lowest": entry["lowest"]})
            known["documents"] += entry["documents"]
            known["reserved"] += entry["reserved"]
            known["lowest"] = min(known["lowest"], entry["lowest"])
        report("survey", done, len(specs))
    always = {
        source: entry["lowest"]
        for source, entry in sorted(found.items())
        if config.heldout_fraction and not entry["reserved"] and entry["documents"] >= MIN_DOCUMENTS_TO_RESERVE
    }
    return sorted(found), always


def _shard_hashes(folder: Path, shards: list[Path]) -> list[str]:
    files = read_manifest(folder, "corpus")["files"]
    return [files[shard.relative_to(folder).as_posix()]["sha256"] for shard in shards]


def _prepare(partial: Path, plan_hash: str) -> None:
    for stale in partial.parent.glob(f"{partial.name.removesuffix('.partial')}.*.tmp"):
        shutil.rmtree(stale, ignore_errors=True)
    record = partial / "plan.json"
    if not record.is_file() or record.read_text(encoding="utf-8") != plan_hash:
        shutil.rmtree(partial, ignore_errors=True)
        with atomic_file(record) as stream:
            stream.write(plan_hash)


def _link_finished(output: Path, partial: Path, shas: list[str], plan_hash: str) -> int:
    """Take over the shards of an earlier output made by the same plan; return how many are finished."""
    if (output / MANIFEST_NAME).is_file():
        manifest = read_manifest(output, "tokens")
        for entry in manifest["shards"] if manifest.get("plan_sha256") == plan_hash else []:
            folder = partial / entry["sha256"]
            if entry["sha256"] not in shas or (folder / "done.json").is_file():
                continue
            folder.mkdir(parents=True, exist_ok=True)
            for part, home in (("train", output), (HELDOUT, output / HELDOUT)):
                _link(home / _name(entry["sha256"]), folder / f"{part}.arrow")
            with atomic_file(folder / "done.json") as stream:
                json.dump({key: value for key, value in entry.items() if key != "sha256"}, stream)
    return sum((partial / sha / "done.json").is_file() for sha in shas)


def _assemble(folder: Path, partial: Path, shas: list[str], results: list[dict[str, Any]], vocab_size: int) -> None:
    for part, home in (("train", folder), (HELDOUT, folder / HELDOUT)):
        home.mkdir(exist_ok=True)
        for sha in shas:
            _link(partial / sha / f"{part}.arrow", home / _name(sha))
        write_dataset_files(home, [_name(s) for s in shas], [r[part]["sha256"] for r in results], vocab_size)


def _copy_tokenizer(origin: Path, tokenizer: ChineseTokenizer, folder: Path) -> None:
    tokenizer.save_pretrained(folder)
    for name in (LEXICON_NAME, "similar.safetensors", "similar.json", "similar.tsv"):
        if origin.is_dir() and (origin / name).is_file():
            shutil.copyfile(origin / name, folder / name)


def _lexicon(folder: Path, tokenizer: ChineseTokenizer, run: Any, report: Progress) -> Lexicon:
    home = folder / "tokenizer"
    if (home / LEXICON_NAME).is_file():
        return Lexicon.load(home, tokenizer)
    files = sorted(folder.glob("data-*.arrow"))
    specs = [{"file": str(file), "output": str(home / f"{file.stem}.npz")} for file in files]
    table = WordTable()
    for done, (number, _) in enumerate(run("tokenizer.encoding:count_words_of_file", specs), 1):
        with np.load(specs[number]["output"]) as found:
            table.merge(found["ids"], found["offsets"], found["counts"])
        Path(specs[number]["output"]).unlink()
        report("count words", done, len(specs))
    lexicon = Lexicon.from_table(table, tokenizer)
    lexicon.save(home)
    return lexicon


def _name(sha: str) -> str:
    return f"data-{sha[:16]}.arrow"


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
