"""A server that others wrote, with a tiny model of random weights: garbage in, zero score and a clean report out."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from macbert.annotations import Example, write_examples
from macbert.cli import main


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer language model that has learnt nothing, with a byte tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<s>", "</s>", *alphabet])}
    words = Tokenizer(models.BPE(vocabulary, []))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
    tokenizer.save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(vocabulary),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=4096,
            bos_token_id=0,
            eos_token_id=1,
        )
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def served(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``transformers serve``, started and waited for."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    program = Path(sys.executable).with_name("transformers")
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    with log.open("wb") as stream:
        server = subprocess.Popen(
            list(map(str, command)), stdout=stream, stderr=subprocess.STDOUT, env=environment, cwd=log.parent
        )
        try:
            deadline = time.monotonic() + 240
            while True:
                assert server.poll() is None, log.read_text("utf-8", "replace")
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(30)


@pytest.mark.parametrize("style", ["json", "paper"])
def test_garbage_in_zero_score_and_a_clean_report_out(
    served: str,
    random_model: Path,
    style: str,
    ner_gold: list[Example],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = tmp_path / "gold.jsonl"
    write_examples(data, ner_gold[:2])
    flags = ["--data", str(data), "--model", str(random_model), "--base-url", served, "--cache", str(tmp_path / "c")]
    flags += ["--style", style, "--max-tokens", "24", "--concurrency", "1", "--timeout", "120", "--mode", "single"]
    assert main(["chatie", "ner", *flags, "--quiet", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["surface_f1"] == 0
    assert told["usage"]["calls"] == 2
    assert told["usage"]["failed"] == 0
    # Nothing is lost silently: each answer had no entity, or was counted as unreadable, made up or unknown.
    lost = sum(
        told["notes"].get(name, 0) for name in ("unreadable", "ungrounded", "unknown_label", "none", "bad_row", "cut")
    )
    assert lost >= 2
    assert main(["chatie", "ner", *flags, "--quiet"]) == 0
    assert "0 asked, 2 from" in capsys.readouterr().out
