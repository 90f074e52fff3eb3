"""``macbert tokenizer encode``: a corpus to token documents with word and sentence starts."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.dry_run import is_dry_run, planned
from corpus.engine import make_engine
from corpus.errors import UserError
from corpus.files import MANIFEST_NAME, atomic_folder, sha256_file
from corpus.manifest import config_hash, read_manifest, write_manifest
from corpus.outputs import own_output
from tokenizer.chinese import ChineseTokenizer
from tokenizer.config import EncodeConfig
from tokenizer.documents import TokenDocuments
from tokenizer.encoding_folder import DONE, assemble, file_name, is_finished, link_finished, prepare
from tokenizer.encoding_jobs import MAX_UNKNOWN_TEXTS
from tokenizer.heldout import HELDOUT
from tokenizer.heldout import is_reserved as is_reserved
from tokenizer.lexicon import LEXICON_NAME, Lexicon
from tokenizer.planning import encode_plan, raw_plan
from tokenizer.shards import worker_tokenizer
from tokenizer.shards_to_encode import ShardsToEncode, shards_to_encode
from tokenizer.word_table import WordTable

Progress = Callable[[str, int, int | None], None]

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
    unknown_texts: dict[str, int]
    """What became [UNK], most frequent first: nearly always single characters."""

    sources: list[str]
    set_aside: dict[str, int]
    """Damaged records of raw files, by reason; a corpus folder has none."""

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
            ("[UNK]", f"{self.unknown_tokens / max(1, tokens):.4%} of tokens{self._unknown()}"),
            ("on disk", f"{self.bytes / max(1, tokens):.2f} bytes a token"),
            ("shards", f"{self.shards}, {self.shards_reused} of them encoded before"),
            ("sources", ", ".join(self.sources)),
            *([("set aside", ", ".join(f"{name} {n:,}" for name, n in self.set_aside.items()))] * bool(self.set_aside)),
        ]

    def _unknown(self) -> str:
        most = [f"{text} {count:,}" for text, count in list(self.unknown_texts.items())[:12]]
        return f": {', '.join(most)}" if most else ""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return dict(vars(self))


def encode_corpus(config: EncodeConfig, progress: Progress | None = None) -> EncodedCorpus:
    """Encode a corpus folder, or raw files as they are; the output's bytes are the same for any number of workers.

    A shard that an interrupted run finished, or that is in the output already, is not encoded again; with ``append``
    the output keeps its shards, and those of the corpus that it lacks come after them. Whole
    near-duplicate clusters are reserved: those whose hash of (seed, source, cluster) lies below ``heldout_fraction``
    of the hash's range, and in a source of 20 documents or more at least the one with the lowest hash.

    Raw files are read as ``corpus build`` reads them: formats, encodings, refusals, damaged records (set aside in
    ``rejected`` and counted). Of what it then does with documents, nothing is done.

    Raises:
        UserError: the corpus, the files or the tokenizer is not usable, the output may not be written, or (append) it
            was made with other settings.
    """
    output = own_output(config.output, "tokens")
    partial = output.parent / f".{output.name}.partial"
    try:
        return _encode(config, output, partial, progress)
    except Exception:
        # A killed or interrupted run leaves its finished shards for the next one; an error leaves nothing.
        if not is_dry_run():
            shutil.rmtree(partial, ignore_errors=True)
        raise


def _encode(config: EncodeConfig, output: Path, partial: Path, progress: Progress | None) -> EncodedCorpus:
    report = progress or (lambda label, done, total: None)
    tokenizer = worker_tokenizer(
        config.tokenizer, config.segmenter, config.user_dictionary, config.map_punctuation or None
    )
    _ = tokenizer.segmenter  # a wrong user dictionary is told before any work
    if config.raw:
        # Reading them into shards writes those.
        planned(lambda: raw_plan(config, tokenizer))
    with shards_to_encode(config, output, report) as given:
        return _encode_shards(given, config, tokenizer, output, partial, report)


def _encode_shards(
    given: ShardsToEncode,
    config: EncodeConfig,
    tokenizer: ChineseTokenizer,
    output: Path,
    partial: Path,
    report: Progress,
) -> EncodedCorpus:
    plan = {
        "vocabulary": config_hash(
            [tokenizer.vocab, tokenizer.lowercase, tokenizer.strip_accents, tokenizer.map_punctuation]
        ),
        "segmenter": config.segmenter,
        "user_dictionary": sha256_file(config.user_dictionary) if config.user_dictionary else None,
        "heldout_fraction": config.heldout_fraction,
        "seed": config.seed,
    }
    run = make_engine("local", config.workers)
    before = _before(output, config, plan)
    kept = before["shards"] if config.append else []
    known = {entry["sha256"] for entry in kept}
    paths = {sha: shard for sha, shard in given.paths.items() if sha not in known}
    planned(lambda: encode_plan(config, tokenizer, list(given.paths.values()), len(paths)))
    sources, always = _survey(list(paths.values()), config, run, report, _reserved_before(output, before, config))
    if config.append:
        sources = [*before["sources"], *(source for source in sources if source not in before["sources"])]
    plan_hash = config_hash([plan, sources, always])
    prepare(partial, plan_hash)
    same = before if before.get("plan_sha256") == plan_hash else {"shards": kept}
    link_finished(output, partial, [entry for entry in same["shards"] if entry["sha256"] in known | {*given.paths}])
    shas = [*(entry["sha256"] for entry in kept), *paths]
    todo = [sha for sha in shas if not is_finished(partial / sha)]
    reused = len(shas) - len(todo)
    specs = [
        {
            "shard": str(paths[sha]),
            "output": str(partial / sha),
            "tokenizer": str(config.tokenizer),
            "segmenter": config.segmenter,
            "user_dictionary": config.user_dictionary,
            "map_punctuation": config.map_punctuation or None,
            "heldout_fraction": config.heldout_fraction,
            "seed": config.seed,
            "sources": sources,
            "always": always,
            "set_aside": given.set_aside.get(sha, {}),
        }
        for sha in todo
    ]
    for done, _ in enumerate(run("tokenizer.encoding_jobs:encode_shard", specs), 1):
        report("encode", done, len(specs))
    results = [json.loads((partial / sha / DONE).read_text(encoding="utf-8")) for sha in shas]
    with atomic_folder(output) as folder:
        assemble(folder, partial, shas, results, tokenizer.vocab_size)
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
            "unknown_texts": _merged(result["unknown_texts"] for result in results),
            "sources": sources,
            "set_aside": dict(sorted(sum((Counter(result.get("set_aside")) for result in results), Counter()).items())),
        }
        if not figures["documents"]:
            where = config.input or ", ".join(config.raw)
            raise UserError.at(where, expected="documents with text", found="none", fix="give other text")
        given.save_rejected(folder, output, known)
        write_manifest(
            folder,
            "tokens",
            config=plan,
            inputs={"corpora": [*before.get("inputs", {}).get("corpora", [])] * config.append + [given.sha256]},
            rows={file_name(sha): result["train"]["documents"] for sha, result in zip(shas, results, strict=True)},
            vocab_size=tokenizer.vocab_size,
            segmenter=config.segmenter,
            plan_sha256=plan_hash,
            shards=[{"sha256": sha, **result} for sha, result in zip(shas, results, strict=True)],
            lexicon_words=len(lexicon),
            **figures,
        )
    shutil.rmtree(partial, ignore_errors=True)
    size = sum(path.stat().st_size for path in output.rglob("*.arrow"))
    return EncodedCorpus(output=str(output), bytes=size, shards=len(shas), shards_reused=reused, **figures)


def _merged(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0]))[:MAX_UNKNOWN_TEXTS])


def _before(output: Path, config: EncodeConfig, plan: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of an earlier output; with ``append`` it must be of the same plan."""
    if not (output / MANIFEST_NAME).is_file():
        return {"shards": [], "sources": []}
    before = read_manifest(output, "tokens")
    different = [name for name, value in plan.items() if before["config"].get(name) != value]
    if config.append and different:
        raise UserError.at(
            output,
            expected="token documents made with the same settings",
            found=f"another {', '.join(different)}",
            fix="give the same tokenizer and settings, or encode into another folder",
        )
    return before


def _reserved_before(output: Path, before: dict[str, Any], config: EncodeConfig) -> set[str]:
    """Return the sources of which an output that is appended to has reserved documents."""
    if not config.append or not before["shards"]:
        return set()
    found = np.unique(TokenDocuments.open(output / HELDOUT).source).tolist()
    return {before["sources"][number] for number in found}


def _survey(
    shards: list[Path], config: EncodeConfig, run: Any, report: Progress, reserved: set[str]
) -> tuple[list[str], dict[str, int]]:
    specs = [
        {"shard": str(shard), "seed": config.seed, "heldout_fraction": config.heldout_fraction} for shard in shards
    ]
    found: dict[str, dict[str, int]] = {}
    for done, (_, result) in enumerate(run("tokenizer.encoding_jobs:survey_shard", specs), 1):
        for source, entry in result.items():
            known = found.setdefault(source, {"documents": 0, "reserved": 0, "lowest": entry["lowest"]})
            known["documents"] += entry["documents"]
            known["reserved"] += entry["reserved"]
            known["lowest"] = min(known["lowest"], entry["lowest"])
        report("survey", done, len(specs))
    always = {
        source: entry["lowest"]
        for source, entry in sorted(found.items())
        if config.heldout_fraction
        and not entry["reserved"]
        and source not in reserved
        and entry["documents"] >= MIN_DOCUMENTS_TO_RESERVE
    }
    return sorted(found), always


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
    for done, (number, _) in enumerate(run("tokenizer.encoding_jobs:count_words_of_file", specs), 1):
        with np.load(specs[number]["output"]) as found:
            table.merge(found["ids"], found["offsets"], found["counts"])
        Path(specs[number]["output"]).unlink()
        report("count words", done, len(specs))
    lexicon = Lexicon.from_table(table, tokenizer)
    lexicon.save(home)
    return lexicon
