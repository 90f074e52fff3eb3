"""What a reader is told and what it yields: a record with its place in the file, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in the file."""

    fields: dict[str, Any]
    """Its keys and JSON values."""

    line: int | None = None
    """Line of the (decompressed) file, from 1; None where the format has no lines."""

    offset: int | None = None
    """Byte at which it starts in the (decompressed) file."""

    number: int = 0
    """Number of the record in the file, from 1; where the format has lines, that of the line it starts at."""

    member: str | None = None
    """Name of the archive's member that it is in."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot become a document; it goes to quarantine, without its bytes."""

    reason: str
    """Short name that is also its folder's name, such as ``broken_json``."""

    detail: str
    """What was expected and what was found; never the text itself."""

    line: int | None = None
    offset: int | None = None
    member: str | None = None


class TruncatedInput(EOFError):
    """A compressed file ends in the middle; all complete data before was delivered."""


class Part(NamedTuple):
    """Bytes ``start`` to ``end`` of a file, which begin with a record."""

    start: int
    end: int
    first_line: int
    """Line of the file that the part begins with, from 1."""

    encoding: str
    """What the whole file is in, told from its beginning."""


@dataclass(slots=True)
class ReaderOptions:
    """The part of the configuration that readers need."""

    text_key: str = "text"
    id_key: str = "id"
    txt_unit: str = "blank-line"
    max_record_bytes: int = 1 << 26
    part: Part | None = None
    """What of the file the stream holds; None: all of it."""


@dataclass(slots=True)
class FileFacts:
    """What a reader learned about a file while reading it."""

    encodings: dict[str, int]
    """Records by the encoding that their text was in."""

    repaired: int = 0
    """Records whose encoding differed from the file's, or whose mojibake was undone."""

    keys: dict[str, int] | None = None
    """Keys of the records that lacked the text, by how often each was seen."""
