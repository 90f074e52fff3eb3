"""Data sets in the form of Hugging Face ``datasets``: by name, or in a folder that ``save_to_disk`` wrote."""

from __future__ import annotations

from pathlib import Path

from corpus.errors import MissingExtra, UserError

PREFIX = "hf:"


def is_saved_dataset(folder: Path) -> bool:
    """Tell whether a folder is what ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` writes."""
    return (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file()


def saved_files(folder: Path) -> list[Path]:
    """Return the Arrow files of a saved data set, all splits, in order."""
    return sorted(folder.rglob("*.arrow"))


def hub_files(name: str) -> list[Path]:
    """Return the Arrow files of a data set, downloaded if it is not in the cache yet.

    Args:
        name: ``hf:NAME``, ``hf:NAME:CONFIG`` or ``hf:NAME:CONFIG:SPLIT``, as ``datasets.load_dataset`` takes them;
            a local folder may stand for the name. An empty CONFIG is the default one. Scripts are never run.

    Raises:
        UserError: there is no such data set, or it cannot be reached.
        MissingExtra: ``datasets`` is not installed.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtra("datasets", "corpus", "reading a Hugging Face data set") from None
    path, config, split = (*name.removeprefix(PREFIX).split(":", 2), "", "")[:3]
    try:
        loaded = datasets.load_dataset(path, config or None, split=split or None)
    except (OSError, ValueError, RuntimeError) as error:
        found = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
        fix = "check the name, the network, and HF_ENDPOINT if you use a mirror"
        raise UserError.at(name, expected="a Hugging Face data set", found=found, fix=fix) from None
    parts = list(loaded.values()) if isinstance(loaded, dict) else [loaded]
    return [Path(file["filename"]) for part in parts for file in part.cache_files]
