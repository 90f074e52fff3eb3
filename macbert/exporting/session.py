"""An ONNX graph, run by onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import MissingExtra, UserError

INPUTS = ("input_ids", "token_type_ids", "attention_mask")
GRAPH_NAME = "model.onnx"


def require_onnx() -> Any:
    """Return the module ``onnxruntime``.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra("onnxruntime", "export", "an ONNX model") from None
    return onnxruntime


class Session:
    """A loaded graph.

    Args:
        path: the ``.onnx`` file.

    Raises:
        MissingExtra: onnxruntime is not installed.
        UserError: no such file, or one that is not a graph.
    """

    def __init__(self, path: Path) -> None:
        runtime = require_onnx()
        if not path.is_file():
            raise UserError.at(path, expected="an ONNX graph", found="no such file", fix="export the model again")
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        # As torch: as many threads as OMP_NUM_THREADS says (0: as there are cores). Threads that spin while they wait
        # would steal the cores of what else runs.
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own classes differ from version to version
            lines = str(error).splitlines() or [type(error).__name__]
            fix = "export the model again"
            raise UserError.at(path, expected="an ONNX graph", found=lines[0][:160], fix=fix) from None
        self.outputs: tuple[str, ...] = tuple(node.name for node in self._session.get_outputs())
        # A model without token types has a graph without that input.
        self._inputs = {node.name for node in self._session.get_inputs()}

    def run(self, inputs: Mapping[str, NDArray[np.int64]]) -> dict[str, NDArray[np.float32]]:
        """Return the outputs by name for (B, L) int64 inputs."""
        given = {name: value for name, value in inputs.items() if name in self._inputs}
        return dict(zip(self.outputs, self._session.run(None, given), strict=True))
