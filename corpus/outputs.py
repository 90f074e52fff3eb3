"""Where a stage may write: an earlier output of the same stage, or nothing."""

from __future__ import annotations

from pathlib import Path

from corpus.errors import UserError
from corpus.files import MANIFEST_NAME, check_output
from corpus.manifest import read_manifest


def own_output(path: str | Path, kind: str) -> Path:
    """Return ``path`` if a stage that makes folders of this kind may write, or replace, the folder there.

    Raises:
        UserError: it holds other files, or our folder of another kind (a run, a corpus), which would be lost.
    """
    path = check_output(path)
    if (path / MANIFEST_NAME).is_file():
        try:
            read_manifest(path, kind)
        except UserError as error:
            found = error.problems[0].found
            raise UserError.at(
                path, expected=f"an empty folder or a {kind} folder", found=found, fix="choose another --output"
            ) from None
    return path
