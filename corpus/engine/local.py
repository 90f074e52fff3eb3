"""Jobs in worker processes of this machine.

Processes of our own instead of ``multiprocessing``: they need no ``if __name__ == "__main__"`` in the user's script,
fork no threads, exchange JSON instead of pickles, and end by themselves when the parent is killed.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from corpus.engine.jobs import raise_error


def run_in_processes(
    function: str, specs: Sequence[dict[str, Any]], workers: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number, result) of each job as it finishes; the first error stops all workers and is raised here."""
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(specs)):
        todo.put(number)
    done: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
    processes = [_start() for _ in range(min(workers, len(specs)))]
    threads = [
        threading.Thread(target=_feed, args=(process, function, specs, todo, done), daemon=True)
        for process in processes
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in specs:
            number, answer = done.get()
            if "error" in answer:
                raise_error(answer["error"])
            yield number, answer["result"]
    except BaseException:
        for process in processes:
            process.kill()
        raise
    finally:
        for process in processes:
            if process.stdin is not None and process.poll() is None:
                process.stdin.close()
        for thread in threads:
            thread.join()
        for process in processes:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _start() -> subprocess.Popen[bytes]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path or os.getcwd() for path in sys.path))
    command = [sys.executable, "-m", "corpus.engine.worker"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _feed(
    process: subprocess.Popen[bytes],
    function: str,
    specs: Sequence[dict[str, Any]],
    todo: queue.SimpleQueue[int],
    done: queue.SimpleQueue[tuple[int, dict[str, Any]]],
) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        try:
            number = todo.get_nowait()
        except queue.Empty:
            return
        try:
            process.stdin.write(json.dumps({"function": function, "spec": specs[number]}).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            answer = json.loads(line)
        except (OSError, ValueError):
            trace = f"worker {process.pid} ended with {process.wait()} in the middle of a job (killed for memory?)"
            answer = {"error": {"kind": "other", "trace": trace}}
        done.put((number, answer))
