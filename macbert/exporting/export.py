"""From a model folder to a folder that needs no torch."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from corpus.dry_run import About, Plan, clocked, planned, resident_bytes, sizes
from corpus.errors import MissingExtra, UserError
from corpus.files import MANIFEST_NAME, atomic_folder
from corpus.manifest import manifest_sha256, write_manifest
from corpus.outputs import own_output
from macbert.exporting.card import model_card
from macbert.exporting.config import ExportConfig
from macbert.exporting.facts import TASK_NAME, read_facts
from macbert.exporting.graph import largest_difference, write_graph
from macbert.exporting.reader import ARRAYS_NAME, KIND
from macbert.exporting.result import ExportResult
from macbert.exporting.session import GRAPH_NAME, Session, require_onnx
from macbert.finetuning.encoder import load_config, load_tokenizer
from macbert.finetuning.encoder_with_head import bare_encoder
from macbert.finetuning.folder import load_finetuned
from macbert.finetuning.heads import CRF

if TYPE_CHECKING:
    from macbert.exporting.tf_models import Converted

TOLERANCE = 1e-4
"""Largest difference from torch's outputs that a float32 graph may have."""

FORWARDS = 40
"""Rows through the model that tracing a graph takes, about."""


def export_model(
    config: ExportConfig, *, progress: Callable[[str, int, int | None], None] | None = None
) -> ExportResult | Converted:
    """Write a model as an ONNX graph beside its tokenizer, and compare the graph with torch.

    The folder holds ``model.onnx`` (``input_ids``, ``token_type_ids``, ``attention_mask``: (batch, length) int64), the
    tokenizer, ``config.json``, of a fine-tuned model also ``task.json``, a model card, and a manifest of kind
    ``exported``. ``load_exported`` reads texts with it.

    With ``format="tf"`` it is a TensorFlow checkpoint instead: see ``macbert.exporting.tf_models``.

    Raises:
        MissingExtra: onnx or onnxruntime is not installed.
        UserError: no such model, or an output that would replace something else.
        RuntimeError: the float32 graph differs from torch by more than 1e-4.
    """
    if config.format == "tf":
        from macbert.exporting.tf_models import export_checkpoint

        return export_checkpoint(config, progress)
    require_onnx()
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise MissingExtra("onnx", "export", "an ONNX model") from None
    output = own_output(config.output, KIND)
    task, model, tokenizer, max_length = _load(config.model)
    planned(lambda: _plan(config, model, max_length))
    with atomic_folder(output) as folder:
        graph = folder / GRAPH_NAME
        outputs = write_graph(model, task, graph, tokenizer.vocab_size)
        if progress is not None:
            progress("export", 1, 2)
        if config.quantize == "int8":
            _quantize(graph)
        session = Session(graph)
        difference = largest_difference(model, session, tokenizer.vocab_size, max_length)
        if config.quantize == "none" and not difference <= TOLERANCE:
            raise RuntimeError(f"the graph differs from torch by {difference:.1e}, more than {TOLERANCE}")
        tokenizer.save_pretrained(folder)
        load_config(config.model).save_pretrained(folder)
        if task != "encoder":
            shutil.copy(Path(config.model, TASK_NAME), folder)
        _write_arrays(model, folder)
        result = ExportResult(str(output), task, outputs, graph.stat().st_size / 1e6, difference, config.quantize)
        (folder / "README.md").write_text(model_card(config, result), encoding="utf-8")
        inputs: dict[str, Any] = {"model": None}
        if Path(config.model, MANIFEST_NAME).is_file():
            inputs["model"] = manifest_sha256(config.model)
        write_manifest(folder, KIND, config=config, inputs=inputs, task=task, outputs=list(outputs))
        if progress is not None:
            progress("export", 2, 2)
    return result


def _plan(config: ExportConfig, model: nn.Module, max_length: int) -> Plan:
    weights = 4 * sum(parameter.numel() for parameter in model.parameters())
    ids = torch.zeros(1, max_length, dtype=torch.int64)
    with torch.inference_mode():
        seconds = clocked(lambda: model(input_ids=ids, token_type_ids=ids, attention_mask=ids + 1))
    return Plan(
        sizes([config.model]),
        [config.output],
        About(
            FORWARDS * seconds, f"{FORWARDS} times a row of {max_length} tokens, timed: the tracing and the comparison"
        ),
        About(resident_bytes() + 3 * weights, "this process, and the graph while it is written and read again"),
        About(
            (1.25 if config.quantize == "int8" else 1) * weights,
            "the weights, and the float32 graph on the way to int8",
        ),
    )


def _load(folder: str) -> tuple[str, nn.Module, Any, int]:
    """Return task, model, tokenizer and the longest row."""
    settings = load_config(folder)
    longest = int(getattr(settings, "max_position_embeddings", 512))
    if Path(folder, TASK_NAME).is_file():
        finetuned = load_finetuned(folder, device="cpu")
        facts = read_facts(Path(folder))
        return facts.task, finetuned.model, finetuned.task.tokenizer, facts.max_length
    if Path(folder, GRAPH_NAME).is_file():
        fix = "give the folder that this one was exported from"
        raise UserError.at(folder, expected="a model with torch's weights", found="an exported model", fix=fix)
    model = bare_encoder(folder, init="pretrained", seed=0).eval()
    return "encoder", model, load_tokenizer(folder, settings, min(longest, 512)), min(longest, 512)


def _write_arrays(model: nn.Module, folder: Path) -> None:
    """Write what decoding needs and the graph does not hold: the transitions of a CRF."""
    crf = getattr(model, "crf", None)
    if not isinstance(crf, CRF):
        return
    from safetensors.torch import save_file

    arrays = {"steps": crf.transitions + crf.follows, "start": crf.start + crf.begins, "end": crf.end}
    save_file({name: value.detach().contiguous() for name, value in arrays.items()}, folder / ARRAYS_NAME)


def _quantize(graph: Path) -> None:
    """Turn the weights of a graph's matrix products into 8-bit numbers, in place."""
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = graph.with_suffix(".float32.tmp")
    graph.rename(whole)
    logging.disable(logging.WARNING)  # it advises on the root logger to preprocess, which changes nothing here
    try:
        quantize_dynamic(str(whole), str(graph), weight_type=QuantType.QInt8, per_channel=True)
    finally:
        logging.disable(logging.NOTSET)
        whole.unlink(missing_ok=True)
