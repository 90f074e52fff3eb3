"""A graph gives torch's outputs, and NumPy reads the same answers from them, for every head."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from macbert.annotations import Example
from macbert.exporting import ExportConfig, export_model
from macbert.exporting.decoders import sigmoid
from macbert.exporting.session import Session
from macbert.extraction import Extractor, load_extractor

pytest.importorskip("onnxruntime", reason="the export extra is not installed")
pytest.importorskip("onnx", reason="the export extra is not installed")

pytestmark = pytest.mark.usefixtures("one_thread")

TOLERANCE = 1e-4


def inputs_of(extractor: Extractor, texts: list[Any]) -> list[Any]:
    """Return texts, or pairs where the task reads pairs."""
    return [("谁在北京？", text) for text in texts] if extractor.reads_pairs else texts


def rounded(value: Any) -> Any:
    """Return an answer with its confidences compared to 1e-4 and all else exactly."""
    if isinstance(value, float):
        return pytest.approx(value, abs=TOLERANCE)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: rounded(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def plain(value: Any) -> Any:
    """Return an answer in the same form, with its numbers as they are."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def found_something(examples: list[Example]) -> int:
    return sum(
        len(e.entities or ()) + len(e.events or ()) + len(e.answers or ()) + (e.label is not None)
        + len(e.labels or ()) + (e.target is not None and e.target != e.text)
        for e in examples
    )  # fmt: skip


def test_outputs_equal_torchs_and_numpy_reads_the_same_answers(
    any_head: str, model_of: Callable[[str], Path], texts: list[Any], tmp_path: Path
) -> None:
    model = model_of(any_head)
    result = export_model(ExportConfig(model=str(model), output=str(tmp_path / "onnx")))
    assert result.difference <= TOLERANCE
    with_torch, without = load_extractor(model, device="cpu"), load_extractor(tmp_path / "onnx")
    assert (without.task, without.labels) == (with_torch.task, with_torch.labels)
    given = inputs_of(with_torch, texts)
    expected = [item.example for item in with_torch.extract(given)]
    found = [item.example for item in without.extract(given, max_batch_tokens=64)]
    assert found_something(expected) > 3
    assert [plain(example) for example in found] == [rounded(example) for example in expected]


def test_an_encoder_gives_torchs_hidden_states_at_any_batch_and_length(encoder: Path, tmp_path: Path) -> None:
    from transformers import AutoModel

    result = export_model(ExportConfig(model=str(encoder), output=str(tmp_path / "onnx")))
    assert (result.task, result.outputs) == ("encoder", ("last_hidden_state",))
    session = Session(tmp_path / "onnx" / "model.onnx")
    model = AutoModel.from_pretrained(encoder).eval()
    rng = np.random.default_rng(0)
    for rows, length in ((1, 1), (5, 64), (2, 33)):
        ids = rng.integers(0, model.config.vocab_size, (rows, length))
        inputs = {"input_ids": ids, "token_type_ids": ids % 2, "attention_mask": np.ones_like(ids)}
        with torch.inference_mode():
            expected = model(**{name: torch.from_numpy(value) for name, value in inputs.items()}).last_hidden_state
        np.testing.assert_allclose(session.run(inputs)["last_hidden_state"], expected.numpy(), atol=TOLERANCE)


def test_a_difference_from_torch_is_seen(encoder: Path, model_of: Callable[[str], Path], tmp_path: Path) -> None:
    """The comparison itself: the graph of one model beside another model."""
    from macbert.exporting.graph import largest_difference
    from macbert.finetuning.folder import load_finetuned

    export_model(ExportConfig(model=str(model_of("bio")), output=str(tmp_path / "onnx")))
    loaded = load_finetuned(str(model_of("bio")), device="cpu")
    session = Session(tmp_path / "onnx" / "model.onnx")
    with torch.no_grad():
        loaded.model.classifier.bias[0] += 0.01
    assert largest_difference(loaded.model, session, loaded.task.tokenizer.vocab_size, 24) == pytest.approx(0.01, 1e-2)


def test_int8_is_smaller_and_finds_what_float32_finds(
    model_of: Callable[[str], Path], texts: list[Any], tmp_path: Path
) -> None:
    whole = export_model(ExportConfig(model=str(model_of("classify")), output=str(tmp_path / "float")))
    small = export_model(ExportConfig(model=str(model_of("classify")), output=str(tmp_path / "int8"), quantize="int8"))
    assert small.megabytes < 0.6 * whole.megabytes
    assert small.difference > whole.difference
    right, found = (load_extractor(tmp_path / name).extract(texts) for name in ("float", "int8"))
    # 8-bit weights are off by 1/254 of a row's largest; a class that leads by more than 0.2 must stay.
    sure = [(a, b) for a, b in zip(right, found, strict=True) if a.score is not None and a.score > 0.6]
    assert sure
    assert all(a.label == b.label for a, b in sure)


def test_an_exported_model_is_read_without_torch(model_of: Callable[[str], Path], tmp_path: Path) -> None:
    export_model(ExportConfig(model=str(model_of("crf")), output=str(tmp_path / "onnx")))
    code = (
        "import sys\nfrom macbert.exporting import load_exported\n"
        "found = load_exported(sys.argv[1]).extract(['今天王芳在北京大学见到了李雷。'])\n"
        "print(len(found[0].entities), *sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "onnx")], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    names, *loaded = done.stdout.split()
    assert loaded == []
    (expected,) = load_extractor(model_of("crf"), device="cpu").extract(["今天王芳在北京大学见到了李雷。"])
    assert int(names) == len(expected.entities)


def test_a_graph_is_whole_only_with_its_hash(model_of: Callable[[str], Path], tmp_path: Path) -> None:
    from corpus.errors import UserError

    export_model(ExportConfig(model=str(model_of("bio")), output=str(tmp_path / "onnx")))
    graph = tmp_path / "onnx" / "model.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"model\.onnx: expected SHA-256"):
        load_extractor(tmp_path / "onnx")


def test_sigmoid_does_not_overflow() -> None:
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = sigmoid(np.array([-1e4, -1.0, 0.0, 1e4]))
    np.testing.assert_allclose(found, [0, 1 / (1 + np.e), 0.5, 1], atol=1e-12)
