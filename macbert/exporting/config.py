"""What ``macbert export`` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from corpus.errors import Problem, UserError


@dataclass(kw_only=True)
class ExportConfig:
    """Settings of an export."""

    model: str
    """Folder of a fine-tuned model, or of an encoder."""

    output: str
    """Folder for model.onnx, the tokenizer, what decoding needs, and README.md (a model card); with format tf for
    bert_model.ckpt, bert_config.json and vocab.txt."""

    format: Literal["onnx", "tf"] = "onnx"
    """onnx: a graph that is read without torch; tf: an encoder with its pretraining heads under the names of Google's
    BERT code, as HFL ships its models (macbert import goes the other way)."""

    quantize: Literal["none", "int8"] = "none"
    """int8: weights of matrix products as 8-bit numbers, a quarter of the size; answers may differ a little."""

    license: str | None = None
    """Licence of the model for its card, as the hub names it ("apache-2.0"); the licences of its data bind you."""

    name: str | None = None
    """Name of the model on its card; default: the output folder's."""

    def __post_init__(self) -> None:
        problems = []
        if self.format == "tf" and self.quantize != "none":
            problems.append(Problem("--quantize", "none with --format tf", self.quantize, "leave it out"))
        for name, value in (("license", self.license), ("name", self.name)):
            if value is not None and (not value.strip() or len(value) > 100 or not value.isprintable()):
                found = f"{len(value)} characters" if len(value) > 100 else repr(value)
                problems.append(Problem(f"--{name}", "one line of 1 to 100 characters", found, "shorten it"))
        if problems:
            raise UserError(*problems)


@dataclass(kw_only=True)
class ImportConfig:
    """Settings of an import."""

    input: str
    """Folder of an unpacked TensorFlow 1 checkpoint of BERT (NAME.ckpt.index, NAME.ckpt.data-00000-of-00001,
    bert_config.json, vocab.txt), or the NAME.ckpt in it."""

    output: str
    """Folder for config.json, model.safetensors and the tokenizer, as plain transformers and we load them."""

    def __post_init__(self) -> None:
        problems = [
            Problem(f"--{name}", "a path", "nothing", f"pass --{name}")
            for name in ("input", "output")
            if not getattr(self, name)
        ]
        if problems:
            raise UserError(*problems)
