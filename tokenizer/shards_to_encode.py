"""What ``macbert tokenizer encode`` encodes: the shards of a corpus folder, or raw files read into shards."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from corpus.config import CorpusConfig
from corpus.manifest import config_hash, manifest_sha256, read_manifest
from corpus.reading import corpus_shards
from corpus.workplace import workplace
from tokenizer.config import EncodeConfig

REJECTED = "rejected"

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class ShardsToEncode:
    """Shards in order, each with the hash that names its token file."""

    sha256: str
    """Identifies all of the input."""

    paths: dict[str, Path]
    """By hash: a Parquet file, or an Arrow file of :mod:`corpus.spool`."""

    set_aside: dict[str, dict[str, int]] = field(default_factory=dict)
    """By hash: damaged records of a raw file, by reason."""

    rejected: dict[str, Path] = field(default_factory=dict)
    """By hash: the folder of records of it, ``<reason>/<file>``."""

    def save_rejected(self, output: Path, before: Path, kept: set[str]) -> None:
        """Write the records that were set aside to ``rejected/<reason>/``, beside those of shards kept from before."""
        for old in (before / REJECTED).glob("*/*"):
            if old.name.split(".")[0] in {sha[:16] for sha in kept}:
                _copy(old, output / REJECTED / old.parent.name / old.name)
        for sha, folder in self.rejected.items():
            for found in folder.glob("*/*"):
                suffixes = found.name.partition(".")[2]
                _copy(found, output / REJECTED / found.parent.name / f"{sha[:16]}.{suffixes}")


@contextlib.contextmanager
def shards_to_encode(config: EncodeConfig, output: Path, tell: Progress) -> Iterator[ShardsToEncode]:
    """Yield the shards; those of raw files stay on the disk until the block ends.

    Raises:
        UserError: the corpus folder is not sound; or ``corpus build`` would refuse the files too (an unknown format, no
            text under the key, too many damaged records).
    """
    if config.input:
        files = read_manifest(config.input, "corpus")["files"]
        shards = corpus_shards(config.input)
        names = [shard.relative_to(config.input).as_posix() for shard in shards]
        paths = {files[name]["sha256"]: shard for name, shard in zip(names, shards, strict=True)}
        yield ShardsToEncode(manifest_sha256(config.input), paths)
        return
    # Imported here: a corpus folder needs no readers.
    from corpus.standard_input import standard_input_as_file

    with standard_input_as_file(config.raw, output.parent) as raw:
        settings = {name: getattr(config, name) for name in ("text_key", "id_key", "txt_unit", "max_bad_ratio")}
        reading = CorpusConfig(input=raw, output=config.output, workers=config.workers, **settings)
        with _raw_shards(reading, output, tell) as shards_found:
            yield shards_found


@contextlib.contextmanager
def _raw_shards(reading: CorpusConfig, output: Path, tell: Progress) -> Iterator[ShardsToEncode]:
    from corpus.assembly import read_result
    from corpus.build import clean_files
    from corpus.engine import make_engine
    from corpus.inputs import divided, find_inputs, fingerprint, inputs_sha256

    files, _ = fingerprint(find_inputs(reading.input))
    hashes = {file.path: sha for file, sha in files}
    pieces = divided((file for file, _ in files), reading.txt_unit, reading.part_bytes)
    options = [reading.text_key, reading.id_key, reading.txt_unit, reading.max_record_bytes]
    copies: Counter[str] = Counter()
    shas = []
    for piece in pieces:
        sha = config_hash([hashes[piece.path], piece.source, piece.format, piece.ours, piece.part, options])
        # The same file under the same name in another folder is a shard of its own.
        shas.append(config_hash([sha, copies[sha]]) if copies[sha] else sha)
        copies[sha] += 1
    with (
        workplace(output, {"raw": shas, "max_bad_ratio": reading.max_bad_ratio}) as work,
        make_engine("local", reading.workers) as engine,
    ):
        folders = clean_files(reading, [], pieces, work, engine, tell)[-1]
        found = dict(zip(shas, folders, strict=True))
        yield ShardsToEncode(
            inputs_sha256(files),
            {sha: folder / "documents.arrow" for sha, folder in found.items()},
            {sha: read_result(folder)["counts"]["quarantined"] for sha, folder in found.items()},
            {sha: folder / REJECTED for sha, folder in found.items()},
        )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
