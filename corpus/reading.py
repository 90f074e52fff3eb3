"""Documents of a corpus folder, or of any input file, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.document import Document
from corpus.errors import UserError
from corpus.inputs import find_inputs
from corpus.manifest import read_manifest
from corpus.readers import BadRecord, ReaderOptions, read_file


def corpus_shards(folder: str | Path) -> list[Path]:
    """Return the Parquet shards of a corpus folder in order.

    Raises:
        UserError: the folder is not a finished corpus, or a shard that its manifest names is gone.
    """
    folder = Path(folder)
    names = sorted(name for name in read_manifest(folder, "corpus")["files"] if name.startswith("part-"))
    for name in names:
        if not (folder / name).is_file():
            fix = "restore the file or build the corpus again"
            raise UserError.at(folder / name, expected="a shard that the manifest names", found="no file", fix=fix)
    return [folder / name for name in names]


def read_documents(path: str | Path | Sequence[str | Path], *, text_key: str = "text") -> Iterator[Document]:
    """Yield the documents of a corpus folder in its order, or of any input files as they are (nothing cleaned).

    Args:
        path: a corpus folder, a file, a folder of files, or several of these.
        text_key: key that holds the text in files that are not ours.

    Raises:
        UserError: a path is wrong, or a record is damaged (``build_corpus`` quarantines; this does not).
    """
    paths = [str(path)] if isinstance(path, (str, Path)) else [str(item) for item in path]
    options = ReaderOptions(text_key=text_key)
    for file in find_inputs(paths):
        for item in read_file(file, options):
            if isinstance(item, BadRecord):
                where = file.path if item.line is None else f"{file.path}:{item.line}"
                fix = "mend the file, or run 'macbert corpus build' on it, which sets bad records aside"
                raise UserError.at(where, expected="a document", found=f"{item.reason} ({item.detail})", fix=fix)
            yield item
