"""Documents of a corpus folder, or of any input file, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.document import Document
from corpus.errors import Problem, UserError
from corpus.files import sha256_file
from corpus.inputs import find_inputs
from corpus.manifest import read_manifest
from corpus.readers import BadRecord, ReaderOptions, read_file


def corpus_shards(folder: str | Path) -> list[Path]:
    """Return the Parquet shards of a corpus folder in order, their hashes checked (about a second a gigabyte).

    Raises:
        UserError: the folder is not a finished corpus, or shards that its manifest names are gone or changed.
    """
    folder = Path(folder)
    files = read_manifest(folder, "corpus")["files"]
    names = sorted(name for name in files if name.startswith("part-"))
    fix = "restore the file or build the corpus again"
    problems = []
    for name in names:
        wanted = files[name]["sha256"]
        if not (folder / name).is_file():
            problems.append(Problem(str(folder / name), "a shard that the manifest names", "no file", fix))
        elif (found := sha256_file(folder / name)) != wanted:
            problems.append(Problem(str(folder / name), f"SHA-256 {wanted[:16]}", found[:16], fix))
    if problems:
        raise UserError(*problems)
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
