"""Token data sets by name: downloaded from Hugging Face or ModelScope when a name asks for it, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.errors import MissingExtra, UserError

HUGGING_FACE, MODELSCOPE = "hf:", "modelscope:"

# What a folder of `macbert tokenizer encode` is made of: a repository may hold other things too.
FILES = ["*.json", "*.arrow", "heldout/*", "tokenizer/*"]


def token_folder(name: str) -> Path:
    """Return a token data set's folder: a path as it is, ``hf:OWNER/NAME`` and ``modelscope:OWNER/NAME`` downloaded.

    A download lies in the library's own cache and is not fetched again; its files are mapped into memory, so a set
    larger than memory streams from the disk. No other name makes a connection.

    Raises:
        UserError: there is no such set, or it cannot be reached.
        MissingExtra: ``modelscope`` is not installed.

    >>> token_folder("data/词").name
    '词'
    """
    if not name.startswith((HUGGING_FACE, MODELSCOPE)):
        return Path(name)
    where, _, repository = name.partition(":")
    try:
        if where == "hf":
            from huggingface_hub import snapshot_download

            return Path(snapshot_download(repository, repo_type="dataset", allow_patterns=FILES))
        return Path(_from_modelscope(repository))
    except (OSError, ValueError, RuntimeError) as error:
        text = str(error).strip() or type(error).__name__
        fix = "check the name and the network (HF_ENDPOINT: a mirror of Hugging Face), or give the path of a copy"
        raise UserError.at(name, expected="a token data set", found=text.splitlines()[0][:200], fix=fix) from None


def _from_modelscope(repository: str) -> Any:
    try:
        from modelscope import dataset_snapshot_download
    except ImportError:
        raise MissingExtra("modelscope", "modelscope", "reading a data set of ModelScope") from None
    return dataset_snapshot_download(repository, allow_file_pattern=FILES)
