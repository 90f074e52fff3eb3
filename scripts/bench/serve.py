"""Load `macbert serve` with concurrent clients and tell how long they waited; every answer is checked.

    python scripts/bench/serve.py --model DIR [--clients 64] [--requests 10000] [--texts FILE] [--json FILE]

DIR is a model for names that macbert finetune or macbert export wrote. Each client keeps one connection and sends its
next request when it has its answer. A request is one text; FILE is JSON lines with ``text``, else sentences of an
invented newspaper of 8 to 60 characters are sent. An answer that is not 200, that lacks its result, or whose spans are
not slices of the text that was sent counts as an error, and any error ends with 1.

Latencies are of the clock, as a client sees them: on a machine that does other things they tell of those too. So the
processor seconds of the server are told beside them.
"""

from __future__ import annotations

import sys

# This folder comes first in the path, and tokenize.py in it would stand in for the standard library's.
sys.path.pop(0)

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import signal
import socket
import subprocess
import time
import urllib.request
from importlib import metadata
from pathlib import Path
from typing import Any

PARTS = (
    "王芳",
    "李雷",
    "昨天",
    "在北京",
    "上海",
    "宣布",
    "公司",
    "今年",
    "收入",
    "增长",
    "会议",
    "代表",
    "，",
    "举行了",
    "参加",
)

HEAD = b"POST /extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def invented_texts(count: int) -> list[str]:
    """Return texts of 8 to 60 characters, the same in every run."""
    rng = random.Random(0)
    return ["".join(rng.choices(PARTS, k=30))[: rng.randrange(8, 61)] + "。" for _ in range(count)]


async def client(port: int, texts: list[str], numbers: Any, seconds: list[float], errors: list[str]) -> None:
    """Send requests over one connection until none is left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number in numbers:
            text = texts[number % len(texts)]
            body = json.dumps({"texts": [text]}).encode()
            start = time.perf_counter()
            writer.write(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(answer.partition("content-length:")[2].split("\r\n")[0])
            told = await reader.readexactly(length)
            seconds.append(time.perf_counter() - start)
            if problem := wrong(answer, told, text):
                errors.append(f"request {number}: {problem}")
    except (OSError, EOFError, ValueError) as error:
        errors.append(f"a connection: {type(error).__name__}: {error}")
    finally:
        writer.close()


def wrong(head: str, body: bytes, text: str) -> str | None:
    """Return what is wrong with an answer, or None."""
    status = head.split()[1]
    if status != "200":
        return f"status {status}: {body[:200]!r}"
    (result,) = json.loads(body)["results"]
    if result["text"] != text:
        return "the answer to another request"
    spans = result.get("entities", ())
    return next((f"span {s}" for s in spans if text[s["start"] : s["end"]] != s["text"]), None)


async def load(port: int, texts: list[str], clients: int, requests: int) -> tuple[list[float], list[str], float]:
    """Return the seconds of each request, the errors, and the seconds of the whole."""
    seconds: list[float] = []
    errors: list[str] = []
    numbers = iter(range(requests))  # one event loop: the clients take from the same numbers
    start = time.perf_counter()
    await asyncio.gather(*(client(port, texts, numbers, seconds, errors) for _ in range(clients)))
    return seconds, errors, time.perf_counter() - start


def serve(model: str) -> tuple[subprocess.Popen[str], int]:
    """Start a server and wait until it takes requests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "macbert",
        "serve",
        "--model",
        model,
        "--port",
        str(port),
        "--timeout-seconds",
        "120",
    ]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for _ in range(3000):
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}: run {' '.join(command)}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60):
                return process, port
        except OSError:
            time.sleep(0.1)
    process.kill()
    sys.exit("the server does not answer")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--texts")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    texts = invented_texts(1000)
    if arguments.texts:
        texts = [json.loads(line)["text"] for line in Path(arguments.texts).read_text("utf-8").splitlines()]

    process, port = serve(arguments.model)
    try:
        seconds, errors, whole = asyncio.run(load(port, texts, arguments.clients, arguments.requests))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as stream:
            lines = [line for line in stream.read().decode().splitlines() if not line.startswith("#")]
        figures = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds.sort()
    at = {f"p{share}_ms": 1000 * seconds[min(len(seconds) - 1, len(seconds) * share // 100)] for share in (50, 90, 99)}
    lost = arguments.requests - len(seconds)
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "versions": {name: metadata.version(name) for name in ("macbert-zh", "fastapi", "uvicorn", "onnxruntime")},
        "clients": arguments.clients,
        "requests": arguments.requests,
        "errors": len(errors) + lost,
        **at,
        "requests_per_second": len(seconds) / whole,
        "requests_per_batch": figures["macbert_batched_requests_total"] / max(figures["macbert_batches_total"], 1),
        "server_cpu_seconds": used.ru_utime + used.ru_stime,
        "server_exit": process.returncode,
    }
    for name, value in result.items():
        print(f"{name:20} {value:.2f}" if isinstance(value, float) else f"{name:20} {value}")
    for error in errors[:10]:
        print(error, file=sys.stderr)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(bool(errors or lost or process.returncode))


if __name__ == "__main__":
    sys.exit(main())
