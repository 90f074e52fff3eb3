"""A model folder's weights as raw tensors: rows of the vocabulary are moved without torch, in any floating type."""

from __future__ import annotations

import json
import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import UserError
from corpus.files import MANIFEST_NAME
from corpus.manifest import verify_manifest

WEIGHTS_NAME = "model.safetensors"

# What transformers calls the tensors with one row a token: BERT, ModernBERT, EuroBERT and their MLM heads.
_VOCABULARY_TENSORS = (
    "word_embeddings.weight",
    "tok_embeddings.weight",
    "embed_tokens.weight",
    "predictions.bias",
    "decoder.weight",
    "decoder.bias",
    "lm_head.weight",
    "lm_head.bias",
)

_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


class ModelFiles:
    """``config.json`` and ``model.safetensors`` of a folder, the vocabulary's tensors found by name and shape.

    Attributes:
        config: config.json.
        rows: names of the tensors with one row (or number) a token.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        check_weights(folder)
        weights = folder / WEIGHTS_NAME
        if not (folder / "config.json").is_file() or not weights.is_file():
            found = "only pytorch_model.bin" if (folder / "pytorch_model.bin").is_file() else "none of them, or one"
            fix = "load it with transformers and save_pretrained it in one file"
            raise UserError.at(folder, expected=f"config.json and {WEIGHTS_NAME}", found=found, fix=fix)
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._tensors, self._metadata = _read(weights)
        size = self.config["vocab_size"]
        self.rows = [
            name
            for name, tensor in self._tensors.items()
            if name.endswith(_VOCABULARY_TENSORS) and tensor["shape"][0] == size
        ]
        strange = sorted({self._tensors[name]["dtype"] for name in self.rows} - set(_WIDTHS))
        if not any(len(self._tensors[name]["shape"]) == 2 for name in self.rows) or strange:
            found = f"tensors of type {', '.join(strange)}" if strange else "none"
            fix = "save the model in float32 or bfloat16 with transformers"
            raise UserError.at(weights, expected=f"an embedding of {size} rows", found=found, fix=fix)

    def select(self, sources: list[list[int]]) -> None:
        """Make row r of every vocabulary tensor the mean of the old rows ``sources[r]``; one source is copied bit by
        bit, a mean is taken in float64."""
        single = np.array([rows[0] for rows in sources])
        means = [(row, np.array(rows)) for row, rows in enumerate(sources) if len(rows) > 1]
        for name in self.rows:
            tensor = self._tensors[name]
            dtype, shape = tensor["dtype"], tensor["shape"]
            old = np.frombuffer(tensor["data"], np.uint8).reshape(shape[0], -1)
            new = old[single]
            for row, rows in means:
                new[row] = _to_bytes(_to_float(old[rows], dtype).mean(0), dtype)
            self._tensors[name] = {"dtype": dtype, "shape": [len(sources), *shape[1:]], "data": new.tobytes()}
        self.config["vocab_size"] = len(sources)

    def save(self, folder: Path) -> None:
        """Write config.json and model.safetensors."""
        text = json.dumps(self.config, ensure_ascii=False, indent=2, sort_keys=True)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")
        header: dict[str, Any] = {"__metadata__": self._metadata}
        place = 0
        # The format's order: larger types first, so that every tensor begins at a multiple of its type's size.
        names = sorted(self._tensors, key=lambda name: (-_WIDTHS.get(self._tensors[name]["dtype"], 1), name))
        for name in names:
            tensor = self._tensors[name]
            end = place + len(tensor["data"])
            header[name] = {"dtype": tensor["dtype"], "shape": tensor["shape"], "data_offsets": [place, end]}
            place = end
        text = json.dumps(header, separators=(",", ":"))
        text += " " * (-len(text.encode()) % 8)
        with (folder / WEIGHTS_NAME).open("wb") as stream:
            stream.write(struct.pack("<Q", len(text.encode())) + text.encode())
            for name in names:
                stream.write(self._tensors[name]["data"])


def check_weights(folder: str | Path) -> None:
    """Compare the weights and the vocabulary of a folder that we wrote with its manifest; others have none to compare.

    A flipped bit in a weight loads without a word and gives other answers. About a second a gigabyte.

    Raises:
        UserError: files that are gone or changed.
    """
    path = Path(folder, MANIFEST_NAME)
    if not path.is_file():
        return
    try:
        kind = json.loads(path.read_text(encoding="utf-8"))["kind"]
    except (ValueError, KeyError, TypeError):
        raise UserError.at(path, expected="a manifest", found="something else", fix="restore the file") from None
    if kind not in ("run", "checkpoint", "finetuned", "model"):
        return
    problems = verify_manifest(
        folder, kind, only=lambda name: "/" not in name and name.endswith((".safetensors", "vocab.txt"))
    )
    if problems:
        raise UserError(*problems)


def _read(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return raw tensors and metadata of a safetensors file: a length, a JSON header, the tensors' bytes.

    The library's own functions turn tensors into numpy's, which knows no bfloat16.
    """
    with path.open("rb") as stream:
        data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b"")
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(bytes(data[8 : 8 + length]))
        metadata = header.pop("__metadata__", {"format": "pt"})
        body = data[8 + length :]
        if len(body) != max((entry["data_offsets"][1] for entry in header.values()), default=0):
            raise ValueError("bytes are missing")
        tensors = {
            name: {"dtype": entry["dtype"], "shape": entry["shape"], "data": body[slice(*entry["data_offsets"])]}
            for name, entry in header.items()
        }
    except (struct.error, ValueError, KeyError, TypeError):
        found = "something else, or a file cut off"
        raise UserError.at(path, expected="a safetensors file", found=found, fix="restore the file") from None
    return tensors, metadata


def _to_float(rows: NDArray[np.uint8], dtype: str) -> NDArray[np.float64]:
    if dtype == "BF16":
        wide = rows.view(np.uint16).astype(np.uint32) << 16
        return wide.view(np.float32).astype(np.float64)
    return rows.view({"F64": np.float64, "F32": np.float32, "F16": np.float16}[dtype]).astype(np.float64)


def _to_bytes(values: NDArray[np.float64], dtype: str) -> NDArray[np.uint8]:
    if dtype == "BF16":
        bits = values.astype(np.float32).view(np.uint32)
        nearest_even = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        return nearest_even.astype(np.uint16).view(np.uint8)
    return values.astype({"F64": np.float64, "F32": np.float32, "F16": np.float16}[dtype]).view(np.uint8)
