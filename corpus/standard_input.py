"""Standard input as a file: records are read more than once, so they are put on the disk first."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

STDIN = "-"


@contextlib.contextmanager
def standard_input_as_file(paths: list[str], folder: Path) -> Iterator[list[str]]:
    """Yield the paths with ``-`` replaced by a file beside the output that holds what standard input gave.

    It is read as JSON lines where its first character is ``{``, else as plain text; the source's name is ``stdin``.
    """
    if STDIN not in paths:
        yield paths
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stdin.", dir=folder) as place:
        stream = sys.stdin.buffer
        head = stream.read(1 << 16)
        name = "stdin.jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "stdin.txt"
        path = Path(place, name)
        with open(path, "wb") as copy:
            copy.write(head)
            while block := stream.read(1 << 20):
                copy.write(block)
        yield [str(path) if given == STDIN else given for given in paths]
