"""Which reader a file needs, told from its name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from corpus.document import Document
from corpus.readers.archives import read_tar, read_zip
from corpus.readers.columnar import read_arrow, read_parquet
from corpus.readers.compression import SUFFIXES, ByteStream, open_bytes
from corpus.readers.html_pages import read_html
from corpus.readers.json_array import read_json
from corpus.readers.json_lines import read_json_lines
from corpus.readers.parts import open_part
from corpus.readers.plain_text import read_plain_text
from corpus.readers.records import BadRecord, FileFacts, Part, ReaderOptions, Record
from corpus.readers.tables import read_csv, read_tsv
from corpus.readers.to_document import to_document
from corpus.readers.warc import read_warc

log = logging.getLogger(__name__)

StreamReader = Callable[[ByteStream, ReaderOptions, FileFacts], Iterator[Record | BadRecord]]
PathReader = Callable[[Path, ReaderOptions, FileFacts], Iterator[Record | BadRecord]]

_STREAMS: dict[str, StreamReader] = {
    "jsonl": read_json_lines,
    "json": read_json,
    "txt": read_plain_text,
    "csv": read_csv,
    "tsv": read_tsv,
    "html": read_html,
    "warc": read_warc,
}
_PATHS: dict[str, PathReader] = {"parquet": read_parquet, "arrow": read_arrow}
_ARCHIVES = {"zip": read_zip, "tar": read_tar}

_ALIASES = {"ndjson": "jsonl", "jl": "jsonl", "text": "txt", "md": "txt", "feather": "arrow", "htm": "html"}
_ALIASES |= {"wet": "warc", "tgz": "tar", "txz": "tar", "tbz2": "tar", "tzst": "tar"}

FORMATS = (*_STREAMS, *_PATHS, *_ARCHIVES)
"""Formats by the suffix that names them; all but parquet, arrow and zip also compressed (``.gz .zst .xz .bz2``)."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to read, and how."""

    path: str
    format: str
    source: str
    """Name of the data set in every document: the file's name without its suffixes."""

    ours: bool = False
    """A shard of a corpus folder that we made: ids, sources and meta are taken over as they are."""

    part: Part | None = None
    """What of the file to read; None: all of it."""


def format_of(path: str | Path) -> str | None:
    """Return the format that a file's name says, or None.

    >>> [format_of(name) for name in ("a.jsonl.zst", "b.GZ", "语料.txt", "c.parquet.gz")]
    ['jsonl', None, 'txt', None]
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    compressed = bool(suffixes) and suffixes[-1] in SUFFIXES
    if compressed:
        suffixes.pop()
    name = suffixes[-1][1:] if suffixes else ""
    name = _ALIASES.get(name, name)
    if name in _STREAMS or name == "tar" or (name in (*_PATHS, *_ARCHIVES) and not compressed):
        return name
    return None


def source_name(path: str | Path) -> str:
    """Return a file's name without the suffixes that tell its format: ``news.v2.jsonl.zst`` is ``news.v2``."""
    path = Path(path)
    if path.suffix.lower() in SUFFIXES:
        path = path.with_suffix("")
    return path.with_suffix("").name if format_of(path) else path.name


def read_file(
    file: InputFile, options: ReaderOptions, facts: FileFacts | None = None
) -> Iterator[Document | BadRecord]:
    """Yield a file's documents in order, and in its place the reason for each record that is none."""
    facts = facts if facts is not None else FileFacts({})
    for record in read_records(file, options, facts):
        yield record if isinstance(record, BadRecord) else to_document(record, file.source, file.ours, options, facts)


def read_records(
    file: InputFile, options: ReaderOptions, facts: FileFacts | None = None
) -> Iterator[Record | BadRecord]:
    """Yield a file's records as they stand in it."""
    facts = facts if facts is not None else FileFacts({})
    if file.format in _PATHS:
        yield from _PATHS[file.format](Path(file.path), options, facts)
        return
    if file.format in _ARCHIVES:
        records = _ARCHIVES[file.format](Path(file.path), options, facts, _read_member)
        for number, record in enumerate(records, 1):  # the members' own numbers would repeat
            yield replace(record, number=number) if isinstance(record, Record) else record
        return
    stream = open_bytes(file.path) if file.part is None else open_part(file.path, file.part)
    options = replace(options, part=file.part)
    try:
        yield from _STREAMS[file.format](stream, options, facts)
    finally:
        stream.close()


def _read_member(
    name: str, stream: ByteStream, options: ReaderOptions, facts: FileFacts
) -> Iterator[Record | BadRecord] | None:
    reader = _STREAMS.get(format_of(name) or "")
    if reader is None:
        log.warning("%s: a member of a format that is not read from an archive, skipped", name)
        return None
    return reader(stream, options, facts)
