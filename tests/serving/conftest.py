"""A tiny exported extractor, and real servers of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


class Server:
    """``macbert serve`` in a process of its own."""

    def __init__(self, model: Path, *flags: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "macbert", "serve", "--model", str(model), "--port", str(self.port), *flags]
        root = str(Path(__file__).resolve().parents[2])
        environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
        environment.pop("MACBERT_TOKEN", None)
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        deadline = time.monotonic() + 300
        while True:
            with contextlib.suppress(OSError):
                if self.ask("GET", "/health")[0] == 200:
                    return
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Return status, body (read as JSON where it is) and headers of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, {"content-type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode("utf-8")
            told = {name.lower(): value for name, value in answer.getheaders()}
            is_json = told.get("content-type", "").startswith("application/json")
            return answer.status, json.loads(text) if is_json else text, told
        finally:
            connection.close()

    def stop(self) -> tuple[int, str, str]:
        """Return exit code and what was printed, after SIGTERM."""
        self.process.terminate()
        out, error = self.process.communicate(timeout=120)
        return self.process.returncode, out, error


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token-label extractor with random weights, exported."""
    pytest.importorskip("onnxruntime", reason="the export extra is not installed")
    pytest.importorskip("onnx", reason="the export extra is not installed")
    pytest.importorskip("fastapi", reason="the serve extra is not installed")
    pytest.importorskip("uvicorn", reason="the serve extra is not installed")
    import torch

    from macbert.exporting import ExportConfig, export_model
    from macbert.finetuning.folder import save_finetuned
    from macbert.finetuning.tasks import task_class
    from macbert.modeling import MacBertForPreTraining, model_config
    from macbert.modeling.loading import quiet_transformers
    from tokenizer import ChineseTokenizer, Vocabulary

    folder = tmp_path_factory.mktemp("served")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"王芳李雷在北京上海工作学习今天明天去了和。"]
    tokenizer = ChineseTokenizer(Vocabulary(list(dict.fromkeys(words))), segmenter="char")
    small = {"num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 1, "intermediate_size": 64}
    with quiet_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        config = model_config("tiny", tokenizer.vocab_size, initializer_range=0.3, **small)
        MacBertForPreTraining(config).save_pretrained(folder / "encoder")
        tokenizer.save_pretrained(folder / "encoder")
        task = task_class("ner", "bio")(tokenizer, ["人物", "地点"], max_length=64, stride=16, options={"head": "bio"})
        model = task.build_model(str(folder / "encoder"), init="pretrained", seed=1)
        save_finetuned(task, model, folder / "model")
    export_model(ExportConfig(model=str(folder / "model"), output=str(folder / "onnx")))
    return folder / "onnx"


@pytest.fixture(scope="session")
def start(exported: Path) -> Iterator[Callable[..., Server]]:
    """Start servers, and end those that a test leaves running."""
    servers: list[Server] = []

    def starter(*flags: str) -> Server:
        servers.append(Server(exported, *flags))
        return servers[-1]

    yield starter
    for server in servers:
        server.process.kill()
        server.process.communicate()


@pytest.fixture(scope="session")
def server(start: Callable[..., Server]) -> Server:
    """A server with small limits, for tests that leave it running."""
    limits = ("--max-texts", "8", "--max-characters", "3000", "--max-body-bytes", "20000", "--timeout-seconds", "120")
    return start(*limits, "--allow-origins", "https://friend.example")
