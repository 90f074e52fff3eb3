"""Models to and from TensorFlow 1 checkpoints as Google and HFL ship them; TensorFlow itself is not needed.

Three files beside each other: ``NAME.ckpt`` (in parts), ``bert_config.json``, ``vocab.txt``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.dry_run import About, Plan, planned, resident_bytes, sizes
from corpus.errors import Problem, UserError
from corpus.files import MANIFEST_NAME, atomic_folder, sha256_file
from corpus.manifest import manifest_sha256, write_manifest
from corpus.outputs import own_output
from macbert.exporting.config import ExportConfig, ImportConfig
from macbert.exporting.tf_checkpoint import TfCheckpoint, write_checkpoint
from macbert.exporting.tf_config import TF_CONFIG_NAME, config_of, read_tf_config, tf_config_of
from macbert.exporting.tf_names import bert_names
from tokenizer import ChineseTokenizer
from tokenizer.model_files import WEIGHTS_NAME, check_weights

Progress = Callable[[str, int, int | None], None]

PREFIX = "bert_model.ckpt"
"""Google's own name of the checkpoint in its archives."""

# Of training, not of the model: Adam's and LAMB's averages, and the step.
_OPTIMIZER = re.compile(r"(^|/)(adam_[mv]|lamb_[mv]|AdamWeightDecay\w*|global_step|Adam(_1)?|beta[12]_power)$")

_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
_SHOWN = 5


@dataclass(frozen=True)
class Converted:
    """What a conversion came to."""

    output: str
    weights: int
    """Numbers carried over, bit by bit."""

    missing: list[str]
    """Heads that the source has not; transformers draws them at random."""

    left_out: list[str]
    """What the source holds and the target has no place for: the optimiser's state, other heads."""

    def summary(self) -> list[tuple[str, str]]:
        """Return the lines of one screen."""
        lines = [("model", self.output), ("weights", f"{self.weights:,}, bit by bit")]
        lines += [("not there, will start random", _named(self.missing))] if self.missing else []
        return [*lines, ("left out", _named(self.left_out))] if self.left_out else lines

    def as_json(self) -> dict[str, Any]:
        """Return every figure and every name."""
        return asdict(self)


def import_model(config: ImportConfig, *, progress: Progress | None = None) -> Converted:
    """Turn a TensorFlow checkpoint into a folder that we and plain transformers load.

    Raises:
        UserError: no checkpoint there, a damaged one, or weights that are missing or do not fit the sizes, all listed.
    """
    output = own_output(config.output, "model")
    prefix = find_checkpoint(config.input)
    folder = prefix.parent
    tf_config = read_tf_config(folder / TF_CONFIG_NAME)
    if not (folder / "vocab.txt").is_file():
        fix = "put the file of the checkpoint's archive beside it"
        raise UserError.at(folder / "vocab.txt", expected="the vocabulary", found="no file", fix=fix)
    tokenizer = ChineseTokenizer.from_pretrained(folder / "vocab.txt")
    problems = []
    if tokenizer.vocab_size != tf_config["vocab_size"]:
        expected = f"{tf_config['vocab_size']} tokens ({TF_CONFIG_NAME})"
        fix = "restore the files that belong together"
        problems.append(Problem(str(folder / "vocab.txt"), expected, f"{tokenizer.vocab_size}", fix))
    checkpoint = TfCheckpoint(prefix)
    names = bert_names(tf_config)
    shapes = {name: variable.shape for name, variable in checkpoint.variables.items()}
    problems += _misfits({n.theirs: (n.their_shape, n.optional) for n in names}, shapes, prefix)
    if problems:
        raise UserError(*problems)
    planned(lambda: _plan([*prefix.parent.glob(f"{prefix.name}*"), folder / TF_CONFIG_NAME], config.output, shapes))
    found = [name for name in names if name.theirs in shapes]
    tensors: dict[str, NDArray[Any]] = {}
    for number, name in enumerate(found, 1):
        value = checkpoint.read(name.theirs)
        tensors[name.ours] = np.ascontiguousarray(value.T if name.transposed else value)
        if progress is not None:
            progress("import", number, len(found))
    missing = [name.ours for name in names if name.theirs not in shapes]
    left_out = sorted(set(shapes) - {name.theirs for name in names})
    heads = not any(name.startswith("cls.") for name in missing)
    from safetensors.numpy import save_file

    with atomic_folder(output) as inside:
        save_file(tensors, inside / WEIGHTS_NAME, {"format": "pt"})
        _write_json(inside / "config.json", config_of(tf_config, heads=heads))
        tokenizer.save_pretrained(inside)
        inputs = {"index": sha256_file(prefix.with_name(f"{prefix.name}.index"))}
        write_manifest(inside, "model", config={"input": None}, inputs=inputs, missing=missing, left_out=left_out)
    return Converted(str(output), sum(t.size for t in tensors.values()), missing, left_out)


def export_checkpoint(config: ExportConfig, progress: Progress | None = None) -> Converted:
    """Write an encoder with its pretraining heads as a TensorFlow checkpoint.

    Raises:
        UserError: no such model, another architecture than BERT's, or weights that their code has no place for.
    """
    from safetensors.torch import load_file

    from macbert.finetuning.encoder import load_config

    output = own_output(config.output, "exported")
    settings = load_config(config.model).to_dict()
    if settings.get("model_type") != "bert":
        fix = "only BERT has names in Google's code"
        found = f"model_type {settings.get('model_type')}"
        raise UserError.at(f"{config.model}/config.json", expected="a BERT", found=found, fix=fix)
    check_weights(config.model)
    weights = Path(config.model, WEIGHTS_NAME)
    if not weights.is_file():
        fix = "load it with transformers and save_pretrained it in one file"
        raise UserError.at(config.model, expected=WEIGHTS_NAME, found="none", fix=fix)
    tensors = {name: tensor.float().numpy() for name, tensor in load_file(weights).items()}
    if not any(name.startswith("bert.") for name in tensors):
        tensors = {f"bert.{name}": tensor for name, tensor in tensors.items()}
    tensors.pop("bert.embeddings.position_ids", None)
    problems = []
    for copy, original in _TIED.items():
        if copy in tensors and not np.array_equal(tensors.pop(copy), tensors.get(original, np.zeros(0))):
            fix = "Google's code ties them: tie them and train on, or export as onnx"
            problems.append(Problem(str(weights), f"{copy} equal to {original}", "other numbers", fix))
    names = bert_names(settings)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    problems += _misfits({name.ours: (name.shape, name.optional) for name in names}, shapes, weights)
    left_out = sorted(set(shapes) - {name.ours for name in names})
    if problems:
        raise UserError(*problems)
    planned(lambda: _plan([config.model], config.output, shapes))
    with atomic_folder(output) as inside:
        carried = [name for name in names if name.ours in tensors]
        theirs = {n.theirs: tensors[n.ours].T if n.transposed else tensors[n.ours] for n in carried}
        write_checkpoint(inside / PREFIX, theirs)
        _write_json(inside / TF_CONFIG_NAME, tf_config_of(settings))
        vocabulary = ChineseTokenizer.from_pretrained(config.model).vocabulary
        (inside / "vocab.txt").write_text("".join(f"{token}\n" for token in vocabulary.tokens), encoding="utf-8")
        inputs: dict[str, Any] = {"model": None}
        if Path(config.model, MANIFEST_NAME).is_file():
            inputs["model"] = manifest_sha256(config.model)
        missing = [name.ours for name in names if name.ours not in tensors]
        write_manifest(inside, "exported", config=config, inputs=inputs, task="encoder", left_out=left_out)
    if progress is not None:
        progress("export", 1, 1)
    return Converted(str(output), sum(value.size for value in theirs.values()), missing, left_out)


def find_checkpoint(given: str) -> Path:
    """Return the prefix of a checkpoint, given as it, as its ``.index`` file, or as the folder that holds one.

    Raises:
        UserError: none there, several, an archive, or a form that is not read.
    """
    path = Path(given)
    if path.suffix.lower() in (".zip", ".gz", ".tar"):
        fix = "unpack it and name the folder"
        raise UserError.at(path, expected="an unpacked checkpoint", found="an archive", fix=fix)
    if path.is_dir():
        found = sorted(path.glob("*.index"))
        if len(found) == 1:
            return found[0].with_suffix("")
        fix = "name one of them" if found else "name the folder with NAME.ckpt.index, bert_config.json and vocab.txt"
        told = ", ".join(file.name for file in found[:_SHOWN]) or "none"
        raise UserError.at(path, expected="one TensorFlow checkpoint (*.index)", found=told, fix=fix)
    prefix = path.with_suffix("") if path.suffix == ".index" else path
    if not prefix.with_name(f"{prefix.name}.index").is_file():
        found_instead = "a file without its .index" if path.is_file() else "nothing there"
        fix = "name a folder or a NAME.ckpt whose NAME.ckpt.index is beside it"
        raise UserError.at(path, expected="a TensorFlow checkpoint", found=found_instead, fix=fix)
    return prefix


def _misfits(
    wanted: Mapping[str, tuple[tuple[int, ...], bool]], found: Mapping[str, tuple[int, ...]], where: Path
) -> list[Problem]:
    """Return a problem for each weight of the encoder that is missing, and for each of another shape than wanted."""
    problems = []
    lost = [name for name, (_, optional) in wanted.items() if not optional and name not in found]
    if lost:
        told = f"{len(lost)} missing: {_named(lost)}; there are: {_named(sorted(found))}"
        problems.append(Problem(str(where), "every weight of the encoder", told, "name a whole BERT checkpoint"))
    for name, (shape, _) in wanted.items():
        if name in found and tuple(found[name]) != shape:
            fix = "restore the configuration that belongs to the weights"
            problems.append(Problem(f"{where}: {name}", f"shape {shape}", f"{tuple(found[name])}", fix))
    return problems


def _named(names: list[str]) -> str:
    """Return names for one line; the optimiser's are only counted."""
    plain = [name for name in names if not _OPTIMIZER.search(name)]
    told = [*plain[:_SHOWN], *([f"and {len(plain) - _SHOWN} more"] if len(plain) > _SHOWN else [])]
    if len(names) > len(plain):
        told.append(f"{len(names) - len(plain)} of the optimiser's state")
    return ", ".join(told)


def _plan(reads: list[Any], output: str, shapes: Mapping[str, tuple[int, ...]]) -> Plan:
    size = sum(4 * int(np.prod(shape)) for shape in shapes.values())
    return Plan(
        sizes(reads),
        [output],
        About(3 * size / 4e8, "three passes over the weights, one with a CRC at 400 MB a second"),
        About(resident_bytes() + 2 * size, "this process and the weights twice"),
        About(size, "the weights"),
    )


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
